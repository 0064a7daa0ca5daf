import type { KeyboardEvent } from "react";

export interface GridActions {
  move: (by: number) => void;
  page: (by: number) => void;
  first: () => void;
  last: () => void;
  open: () => void;
  close: () => void;
}

const KEYS = new Map<string, (actions: GridActions) => void>([
  ["ArrowDown", (actions) => actions.move(1)],
  ["j", (actions) => actions.move(1)],
  ["ArrowUp", (actions) => actions.move(-1)],
  ["k", (actions) => actions.move(-1)],
  ["PageDown", (actions) => actions.page(1)],
  ["PageUp", (actions) => actions.page(-1)],
  ["Home", (actions) => actions.first()],
  ["End", (actions) => actions.last()],
  ["Enter", (actions) => actions.open()],
  [" ", (actions) => actions.open()],
  ["Escape", (actions) => actions.close()],
]);

/** Keys that press a button when one has the focus. */
const PRESSES = new Set(["Enter", " "]);

/** What the keys do in a list of events. */
export function gridKeys(event: KeyboardEvent, actions: GridActions): void {
  if (event.ctrlKey || event.metaKey || event.altKey) {
    return;
  }
  const onButton = event.target instanceof HTMLButtonElement;
  const action = onButton && PRESSES.has(event.key) ? undefined : KEYS.get(event.key);
  if (action) {
    event.preventDefault();
    event.stopPropagation();
    action(actions);
  }
}
