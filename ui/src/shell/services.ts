import { createContext, useContext } from "react";
import { Client } from "../api/client";
import { Credential } from "../api/credential";
import { Http, sleep } from "../api/http";
import { Store } from "../common/store";
import type { LogEvent } from "../events/event";
import { PinnedFacets } from "../facets/pinned";
import { QueryHistory } from "../query/history";
import type { SearchSession } from "../search/session";
import { Address } from "../url/address";
import { Announcer } from "./announcer";
import type { Overlay } from "./Overlays";
import { Theme } from "./theme";

/** What the parts of the page share. */
export interface Services {
  client: Client;
  credential: Credential;
  address: Address;
  history: QueryHistory;
  pinned: PinnedFacets;
  theme: Theme;
  announcer: Announcer;
  /** The query as it stands in the editor, asked for or not. */
  draft: Store<string>;
  /** Grows each time a search is asked for, also for the same view again. */
  runs: Store<number>;
  /** The search whose results are on screen. */
  activeSearch: Store<SearchSession | null>;
  /** The event whose context is on screen. */
  contextOf: Store<LogEvent | null>;
  /** A part that was to lie over the page and could not be loaded, and what opens it again. */
  unloaded: Store<{ name: string; again: () => void } | null>;
  /** The dialog that is open. */
  overlay: Store<Overlay | null>;
}

export function createServices(window: Window): Services {
  const credential = new Credential(window.sessionStorage);
  const http = new Http({ fetch: window.fetch.bind(window), credential, sleep });
  const address = new Address(window);
  return {
    client: new Client(http),
    credential,
    address,
    history: new QueryHistory(window.localStorage),
    pinned: new PinnedFacets(window.localStorage),
    theme: new Theme(window),
    announcer: new Announcer(),
    draft: new Store(address.store.get().query ?? ""),
    runs: new Store(0),
    activeSearch: new Store<SearchSession | null>(null),
    contextOf: new Store<LogEvent | null>(null),
    unloaded: new Store<{ name: string; again: () => void } | null>(null),
    overlay: new Store<Overlay | null>(null),
  };
}

export const ServicesContext = createContext<Services | null>(null);

export function useServices(): Services {
  const services = useContext(ServicesContext);
  if (!services) {
    throw new Error("a component stands outside the page's services");
  }
  return services;
}
