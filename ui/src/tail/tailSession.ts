import type { Client } from "../api/client";
import { ApiError, isAbort, UnreachableError } from "../api/errors";
import { explain } from "../api/explain";
import { sleep } from "../api/http";
import { Store } from "../common/store";
import { RateMeter } from "./rateMeter";
import { TailBuffer } from "./tailBuffer";

/** Events that stay on screen, and those kept while paused. */
const SHOWN_MOST = 5_000;
const HELD_MOST = 5_000;
const WAIT = "20s";
const LIMIT = 1_000;
/** Least time between two answers: what arrives in between comes together. */
const PACE_MS = 200;
const LOST_PAUSE_MS = 2_000;

export interface TailSnapshot {
  events: TailBuffer;
  /** Grows whenever the events change. */
  revision: number;
  paused: boolean;
  /** Events that came while paused, and how many of them there was no room for. */
  held: number;
  heldDropped: number;
  received: number;
  perSecond: number;
  /** Events that the server left out because too many came at once. */
  missed: number;
  gaps: string[];
  lost: boolean;
  /** The limit that is waited for, and when it goes on, in milliseconds since 1970. */
  throttle: { message: string; until: number } | null;
  failure: { code: string; message: string } | null;
}

export interface TailOptions {
  client: Pick<Client, "tail">;
  query: string;
  now?: () => number;
  sleep?: typeof sleep;
}

/** Follows what arrives. While paused it goes on listening, so that nothing is lost that there is room for. */
export class TailSession {
  readonly store: Store<TailSnapshot>;
  private readonly options: Required<TailOptions>;
  private readonly shown = new TailBuffer(SHOWN_MOST);
  private readonly held = new TailBuffer(HELD_MOST);
  private readonly rate: RateMeter;
  private readonly lifetime = new AbortController();

  constructor(options: TailOptions) {
    this.options = { now: Date.now, sleep, ...options };
    this.rate = new RateMeter(this.options.now);
    this.store = new Store<TailSnapshot>({
      events: this.shown,
      revision: 0,
      paused: false,
      held: 0,
      heldDropped: 0,
      received: 0,
      perSecond: 0,
      missed: 0,
      gaps: [],
      lost: false,
      throttle: null,
      failure: null,
    });
  }

  async start(): Promise<void> {
    let cursor: string | undefined;
    const { signal } = this.lifetime;
    while (!signal.aborted) {
      try {
        cursor = await this.step(cursor, signal);
        await this.options.sleep(PACE_MS, signal);
      } catch (error) {
        if (signal.aborted || isAbort(error)) {
          return;
        }
        const isLimit = error instanceof ApiError && error.status === 429;
        if (!(error instanceof UnreachableError) && !isLimit) {
          const code = error instanceof ApiError ? error.code : "unexpected";
          this.change({ failure: { code, message: explain(error) } });
          return;
        }
        const pauseMs = error.retryAfterMs ?? LOST_PAUSE_MS;
        const until = this.options.now() + pauseMs;
        this.change({
          lost: !isLimit,
          throttle: isLimit ? { message: explain(error), until } : null,
        });
        await this.options.sleep(pauseMs, signal).catch(() => {
          // Let go while waiting: the loop ends.
        });
      }
    }
  }

  pause(): void {
    this.change({ paused: true });
  }

  resume(): void {
    const { heldDropped } = this.store.get();
    this.shown.takeAll(this.held);
    const gaps = heldDropped > 0 ? [`${heldDropped} events went by while paused`] : [];
    this.change({
      paused: false,
      held: 0,
      heldDropped: 0,
      gaps: this.withGaps(gaps),
      revision: this.nextRevision(),
    });
  }

  clear(): void {
    this.shown.clear();
    this.change({ revision: this.nextRevision(), gaps: [], missed: 0 });
  }

  /** The rate falls while nothing comes: who shows it asks for it anew. */
  refreshRate(): void {
    this.change({ perSecond: this.rate.perSecond() });
  }

  dispose(): void {
    this.lifetime.abort();
  }

  private async step(cursor: string | undefined, signal: AbortSignal): Promise<string> {
    const answer = await this.options.client.tail(this.options.query, cursor, WAIT, LIMIT, signal);
    const count = answer.page.bounds.length / 2;
    const before = this.store.get();
    const target = before.paused ? this.held : this.shown;
    target.append(answer.page);
    this.rate.add(count + answer.missed);
    this.change({
      revision: count > 0 && !before.paused ? this.nextRevision() : before.revision,
      held: this.held.length,
      heldDropped: this.held.dropped,
      received: before.received + count,
      perSecond: this.rate.perSecond(),
      missed: before.missed + answer.missed,
      gaps: this.withGaps(answer.gap ? [answer.gap] : []),
      lost: false,
      throttle: null,
    });
    return answer.cursor;
  }

  private withGaps(more: string[]): string[] {
    return more.length > 0 ? [...this.store.get().gaps, ...more].slice(-5) : this.store.get().gaps;
  }

  private nextRevision(): number {
    return this.store.get().revision + 1;
  }

  private change(part: Partial<TailSnapshot>): void {
    this.store.set({ ...this.store.get(), ...part });
  }
}
