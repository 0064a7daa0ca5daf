import { useEffect, useState } from "react";
import type { SearchRequest } from "../api/types";
import { useServices } from "../shell/services";
import { SearchSession } from "./session";

/** The events that a search is asked for at first; the list goes on past them. */
export const FIRST_LIMIT = 1_000;

export interface RunningSearch {
  session: SearchSession;
  /** Counts the searches, to tell the parts of one from those of the next. */
  number: number;
}

/** A session of the search that `request` asks for, started anew whenever `key` changes; null until it is there. */
export function useSearch(request: SearchRequest, key: string): RunningSearch | null {
  const { client } = useServices();
  const [running, setRunning] = useState<RunningSearch | null>(null);
  // The key stands for what is asked; a new width of the window alone asks for nothing.
  // biome-ignore lint/correctness/useExhaustiveDependencies: see above
  useEffect(() => {
    const made = new SearchSession({ client, search: request, wanted: FIRST_LIMIT });
    setRunning((before) => ({ session: made, number: (before?.number ?? 0) + 1 }));
    void made.start();
    return () => made.dispose();
  }, [client, key]);
  return running;
}
