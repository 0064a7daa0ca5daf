import type { KeyboardEvent } from "react";

export interface GridActions {
  move: (by: number) => void;
  page: (by: number) => void;
  first: () => void;
  last: () => void;
  open: () => void;
  close: () => void;
}

/** What the keys do in a list of events. */
export function gridKeys(event: KeyboardEvent, actions: GridActions): void {
  if (event.ctrlKey || event.metaKey || event.altKey) {
    return;
  }
  const onButton = event.target instanceof HTMLButtonElement;
  const action = (
    {
      ArrowDown: () => actions.move(1),
      j: () => actions.move(1),
      ArrowUp: () => actions.move(-1),
      k: () => actions.move(-1),
      PageDown: () => actions.page(1),
      PageUp: () => actions.page(-1),
      Home: actions.first,
      End: actions.last,
      Enter: onButton ? undefined : actions.open,
      " ": onButton ? undefined : actions.open,
      Escape: actions.close,
    } as Record<string, (() => void) | undefined>
  )[event.key];
  if (action) {
    event.preventDefault();
    event.stopPropagation();
    action();
  }
}
