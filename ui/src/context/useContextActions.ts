import { copyText } from "../common/clipboard";
import type { FieldActions } from "../event/FieldTree";
import { displayText } from "../json/value";
import { useViewActions } from "../search/useViewActions";
import { useServices } from "../shell/services";

/** What values do in the context: a filter leads back to the search. */
export function useContextActions(): FieldActions {
  const { contextOf, announcer } = useServices();
  const actions = useViewActions();
  return {
    onFilter: (path, value, mode) => {
      contextOf.set(null);
      actions.onFilter(path, value, mode);
    },
    onExists: (path) => {
      contextOf.set(null);
      actions.onExists(path);
    },
    onColumn: actions.onColumn,
    onCopy: async (path, value) => {
      const copied = await copyText(displayText(value));
      announcer.say(copied ? `Copied ${path}` : "The browser did not let it be copied");
    },
  };
}
