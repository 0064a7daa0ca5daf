import type { LogEvent } from "../events/event";
import type { EventSource } from "../events/eventList";
import { rfc3339 } from "../events/timestamp";
import type { ViewState } from "../url/state";

/** What is shown before and after the event of a link. */
const AROUND_MS = 60_000;

/** A short name for an event's JSON: FNV-1a, 32 bits. Tells events of one timestamp apart. */
export function hashOf(raw: string): string {
  let hash = 0x811c9dc5;
  for (let index = 0; index < raw.length; index += 1) {
    hash = Math.imul(hash ^ raw.charCodeAt(index), 0x01000193);
  }
  return (hash >>> 0).toString(16);
}

/** The part of an address that leads to an event: a fixed range around it, and which one it is. */
export function linkOf(event: LogEvent): Partial<ViewState> {
  if (!event.moment) {
    return {};
  }
  const { ms } = event.moment;
  return {
    from: new Date(ms - AROUND_MS).toISOString(),
    to: new Date(ms + AROUND_MS).toISOString(),
    at: rfc3339(event.moment),
    event: hashOf(event.raw),
    tail: false,
  };
}

/** Where the event of a link stands among those from `first` on; null if it is not there. */
export function findEvent(
  source: EventSource,
  first: number,
  at: string,
  hash: string | null,
): number | null {
  for (let index = first; index < source.length; index += 1) {
    const event = source.event(index);
    const isThere = event.moment !== null && rfc3339(event.moment) === at;
    if (isThere && (hash === null || hashOf(event.raw) === hash)) {
      return index;
    }
  }
  return null;
}
