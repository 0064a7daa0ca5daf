import type { LogEvent } from "../events/event";
import type { EventSource } from "../events/eventList";

/** Events before one, newest first, and events from it on, oldest first, as one list in the order of time. */
export class AroundSource implements EventSource {
  private readonly before: EventSource;
  private readonly after: EventSource;
  private readonly beforeCount: number;
  private readonly afterCount: number;

  constructor(before: EventSource, beforeCount: number, after: EventSource, afterCount: number) {
    this.before = before;
    this.after = after;
    this.beforeCount = beforeCount;
    this.afterCount = afterCount;
  }

  get length(): number {
    return this.beforeCount + this.afterCount;
  }

  raw(index: number): string {
    const [source, place] = this.place(index);
    return source.raw(place);
  }

  event(index: number): LogEvent {
    const [source, place] = this.place(index);
    return source.event(place);
  }

  /** Where the event itself stands; null while it has not been read. */
  anchorOf(raw: string): number | null {
    for (let place = 0; place < this.afterCount; place += 1) {
      if (this.after.raw(place) === raw) {
        return this.beforeCount + place;
      }
    }
    return null;
  }

  private place(index: number): [EventSource, number] {
    return index < this.beforeCount
      ? [this.before, this.beforeCount - 1 - index]
      : [this.after, index - this.beforeCount];
  }
}
