import type { EventPage } from "../api/types";
import { LruCache } from "../common/lru";
import { textOf } from "../json/scan";
import { type LogEvent, readEvent } from "./event";

const PARSED_KEPT = 2_000;

/** What lists of events are read through. */
export interface EventSource {
  readonly length: number;
  /** The JSON of one event as it was sent. */
  raw(index: number): string;
  event(index: number): LogEvent;
}

/**
 * Events in the order they came, kept as the bytes that were received: a million of them take what they
 * took on the wire, and only those on screen are parsed.
 */
export class EventList implements EventSource {
  private readonly pages: EventPage[] = [];
  /** For each page the index of its first event. */
  private readonly starts: number[] = [];
  private count = 0;
  private readonly parsed = new LruCache<number, LogEvent>(PARSED_KEPT);

  get length(): number {
    return this.count;
  }

  append(page: EventPage): void {
    if (page.bounds.length === 0) {
      return;
    }
    this.pages.push(page);
    this.starts.push(this.count);
    this.count += page.bounds.length / 2;
  }

  raw(index: number): string {
    const number = this.pageOf(index);
    const page = this.pages[number];
    if (!page || index < 0 || index >= this.count) {
      throw new RangeError(`there is no event ${index} among ${this.count}`);
    }
    const at = (index - (this.starts[number] ?? 0)) * 2;
    return textOf(page.bytes, { start: page.bounds[at] ?? 0, end: page.bounds[at + 1] ?? 0 });
  }

  event(index: number): LogEvent {
    return this.parsed.get(index, () => readEvent(this.raw(index)));
  }

  private pageOf(index: number): number {
    let low = 0;
    let high = this.starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((this.starts[middle] ?? 0) <= index) {
        low = middle;
      } else {
        high = middle - 1;
      }
    }
    return low;
  }
}
