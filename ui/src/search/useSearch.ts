import { useEffect, useState } from "react";
import type { SearchRequest } from "../api/types";
import { useServices } from "../shell/services";
import { SearchSession } from "./session";

/** The events that a search is asked for at first; the list goes on past them. */
export const FIRST_LIMIT = 1_000;

/** A session of the search that `request` asks for, started anew whenever `key` changes; null until it is there. */
export function useSearch(request: SearchRequest, key: string): SearchSession | null {
  const { client } = useServices();
  const [session, setSession] = useState<SearchSession | null>(null);
  // The key stands for what is asked; a new width of the window alone asks for nothing.
  // biome-ignore lint/correctness/useExhaustiveDependencies: see above
  useEffect(() => {
    const made = new SearchSession({ client, search: request, wanted: FIRST_LIMIT });
    setSession(made);
    void made.start();
    return () => made.dispose();
  }, [client, key]);
  return session;
}
