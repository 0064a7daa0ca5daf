import type { SearchAnswer } from "../api/types";
import type { EventList } from "../events/eventList";

/** Where a search stands. `expired`: its results are gone from the server, what was read is still here. */
export type Phase =
  | "starting"
  | "running"
  | "complete"
  | "partial"
  | "failed"
  | "cancelled"
  | "expired";

export interface SearchFailure {
  code: string;
  message: string;
  /** Column in the query, from 1. */
  column: number | null;
  /** When the same search may be let in, in milliseconds since 1970. */
  retryAt: number | null;
}

/** A limit that is used up for a short while. */
export interface Throttle {
  message: string;
  /** When it goes on by itself, in milliseconds since 1970. */
  until: number;
}

/** Everything that is known of a search at one moment. */
export interface SearchSnapshot {
  phase: Phase;
  /** The newest answer but for its events; null until there is one. */
  answer: Omit<SearchAnswer, "page"> | null;
  events: EventList;
  eventCount: number;
  /** More events are being read. */
  loading: boolean;
  /** Every event of the result is in `events`. */
  exhausted: boolean;
  /** The server does not answer at the moment; it is tried again. */
  lost: boolean;
  /** Nothing is asked for until a limit lets it; it goes on by itself. */
  throttle: Throttle | null;
  failure: SearchFailure | null;
  startedAt: number;
  firstEventsMs: number | null;
  /** How long it took until it ended for the first time; reading on past the limit does not count. */
  elapsedMs: number | null;
}

export function isOver(phase: Phase): boolean {
  return phase !== "starting" && phase !== "running";
}
