import type { EventPage } from "../api/types";
import { LruCache } from "../common/lru";
import { type LogEvent, readEvent } from "../events/event";
import type { EventSource } from "../events/eventList";
import { textOf } from "../json/scan";

/** The newest events, at most `capacity`; older ones go. */
export class TailBuffer implements EventSource {
  private lines: string[] = [];
  /** How many have gone: the number of the first that is left. */
  private gone = 0;
  private readonly capacity: number;
  private readonly parsed = new LruCache<number, LogEvent>(1_000);

  constructor(capacity: number) {
    this.capacity = capacity;
  }

  get length(): number {
    return this.lines.length;
  }

  /** How many went because there was no room. */
  get dropped(): number {
    return this.gone;
  }

  append(page: EventPage): void {
    for (let at = 0; at < page.bounds.length; at += 2) {
      this.lines.push(
        textOf(page.bytes, { start: page.bounds[at] ?? 0, end: page.bounds[at + 1] ?? 0 }),
      );
    }
    const over = this.lines.length - this.capacity;
    if (over > 0) {
      this.lines = this.lines.slice(over);
      this.gone += over;
    }
  }

  /** Takes over what another buffer holds, and empties it; what that one dropped counts as dropped here. */
  takeAll(other: TailBuffer): void {
    this.lines = [...this.lines, ...other.lines].slice(-this.capacity);
    this.gone += other.gone;
    this.parsed.clear();
    other.clear();
  }

  clear(): void {
    this.lines = [];
    this.gone = 0;
    this.parsed.clear();
  }

  raw(index: number): string {
    const line = this.lines[index];
    if (line === undefined) {
      throw new RangeError(`there is no event ${index} among ${this.lines.length}`);
    }
    return line;
  }

  event(index: number): LogEvent {
    return this.parsed.get(this.gone + index, () => readEvent(this.raw(index)));
  }
}
