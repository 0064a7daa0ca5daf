import { useMemo } from "react";
import type { JsonScalar } from "../json/value";
import { addFilter } from "../language/index";
import { useServices } from "../shell/services";
import { searchOf, type ViewState } from "../url/state";

/** What the parts of a view do to it. */
export function useViewActions() {
  const { address, draft, runs, history, announcer } = useServices();
  return useMemo(() => {
    const run = (part: Partial<ViewState> = {}) => {
      const query = part.query ?? draft.get();
      draft.set(query);
      const view = address.store.get();
      const next = { ...view, at: null, event: null, ...part, query };
      history.add({ query, from: next.from, to: next.to });
      if (searchOf(next) !== searchOf(view)) {
        address.push(next);
      }
      runs.set(runs.get() + 1);
    };
    const filter = (field: string, value: JsonScalar, mode: "in" | "out" | "exists") => {
      run({ query: addFilter(address.store.get().query ?? draft.get(), field, value, mode) });
      const verbs = { in: "Only", out: "Without", exists: "Only events that have" };
      announcer.say(`${verbs[mode]} ${field}${mode === "exists" ? "" : ` ${String(value)}`}`);
    };
    return {
      run,
      onFilter: (field: string, value: JsonScalar, mode: "in" | "out") =>
        filter(field, value, mode),
      onExists: (field: string) => filter(field, null, "exists"),
      onColumn: (field: string) => {
        const { columns } = address.store.get();
        const without = columns.filter((name) => name !== field);
        const added = without.length === columns.length;
        const rest = without.filter((name) => name !== "message");
        const message = without.includes("message") ? ["message"] : [];
        address.replace({ columns: added ? [...rest, field, ...message] : without });
        announcer.say(`${added ? "Added" : "Removed"} column ${field}`);
      },
      onRange: (fromMs: number, toMs: number) =>
        run({ from: new Date(fromMs).toISOString(), to: new Date(toMs).toISOString() }),
    };
  }, [address, draft, runs, history, announcer]);
}

export type ViewActions = ReturnType<typeof useViewActions>;
