import { useEffect } from "react";
import { useViewActions } from "../search/useViewActions";
import { useServices } from "./services";

/** Keys that work anywhere but in a text. */
export function useShortcuts(): void {
  const { overlay, address } = useServices();
  const { run } = useViewActions();
  useEffect(() => {
    const actions: Record<string, () => void> = {
      "/": () => focus('[aria-label="Query"]'),
      "?": () => overlay.set("help"),
      t: () => run({ tail: !address.store.get().tail }),
      h: () => focus('[aria-label="Stacked by"], .histogram select'),
      f: () => focus(".facets button"),
      l: () => focus('[role="grid"]'),
      w: () => address.replace({ wrap: !address.store.get().wrap }),
      r: () => run(),
      s: () => overlay.set("save"),
      e: () => overlay.set("export"),
      "[": () => address.back(),
    };
    const onKey = (event: KeyboardEvent) => {
      const target = event.target as HTMLElement;
      const typing = target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName);
      const inDialog = target.closest('[aria-modal="true"], .popup') !== null;
      const modified = event.ctrlKey || event.metaKey || event.altKey;
      const action = actions[event.key];
      if (action && !typing && !inDialog && !modified && !event.defaultPrevented) {
        event.preventDefault();
        action();
      }
    };
    document.addEventListener("keydown", onKey);
    return () => document.removeEventListener("keydown", onKey);
  }, [overlay, address, run]);
}

function focus(selector: string): void {
  document.querySelector<HTMLElement>(selector)?.focus();
}
