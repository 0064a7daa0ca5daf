import type { Client } from "../api/client";
import { ApiError, isAbort, UnreachableError } from "../api/errors";
import { explain } from "../api/explain";
import { sleep } from "../api/http";
import type { SearchAnswer, SearchRequest } from "../api/types";
import { Store } from "../common/store";
import { EventList } from "../events/eventList";
import { isOver, type Phase, type SearchSnapshot } from "./snapshot";

/** How long a poll may be held. */
const WAIT = "10s";
/** Least time from poll to poll while nothing new came; grows from one to the other. */
const FIRST_PAUSE_MS = 10;
const LONGEST_PAUSE_MS = 400;
/** The same while events are waited for. */
const LONGEST_PAUSE_TO_PAGE_MS = 100;
/** The version that a search is created at. */
const FIRST_VERSION = 1;
/** Longest wait for a limit before a search that runs counts as failed. */
const LONGEST_THROTTLE_MS = 60_000;
/** Waits between attempts when the server does not answer. */
const LOST_PAUSES_MS = [300, 600, 1_200, 2_500, 5_000];

export interface SessionOptions {
  client: Pick<Client, "startSearch" | "pollSearch" | "cancelSearch">;
  /** A search to start, or one that runs already. */
  search: SearchRequest | { id: string };
  now?: () => number;
  sleep?: typeof sleep;
  /** Events that are wanted at first. */
  wanted?: number;
}

/**
 * One search from start to end. It asks for the pages that are wanted, keeps their events, and goes on past the
 * search's limit when more are wanted. Between pages it follows progress, histogram and facets.
 */
export class SearchSession {
  readonly store: Store<SearchSnapshot>;
  private readonly options: Required<Omit<SessionOptions, "search" | "wanted">>;
  private readonly search: SessionOptions["search"];
  private readonly events = new EventList();
  private readonly lifetime = new AbortController();
  /** Ends the poll that is under way, so that another can be sent. */
  private poll = new AbortController();
  private pollIsForPage = false;
  private following = false;
  private id: string | null = null;
  private wanted: number;
  /**
   * The cursor of the page to read next; undefined is the first page, null: there is none. While the search runs it
   * leads behind the last page, so that asking for progress brings no event again.
   */
  private nextCursor: string | undefined | null = undefined;
  /** Goes on past the limit; given only when every page was read. */
  private moreCursor: string | null = null;
  private pauseMs = FIRST_PAUSE_MS;
  private lostPolls = 0;

  constructor(options: SessionOptions) {
    this.options = {
      client: options.client,
      now: options.now ?? Date.now,
      sleep: options.sleep ?? sleep,
    };
    this.search = options.search;
    this.wanted = options.wanted ?? 1;
    this.store = new Store<SearchSnapshot>({
      phase: "starting",
      answer: null,
      events: this.events,
      eventCount: 0,
      loading: true,
      exhausted: false,
      lost: false,
      throttle: null,
      failure: null,
      startedAt: this.options.now(),
      firstEventsMs: null,
      elapsedMs: null,
    });
  }

  /** Starts the search and follows it; resolves when there is nothing to do until more is wanted. */
  async start(): Promise<void> {
    try {
      this.id = "id" in this.search ? this.search.id : await this.create(this.search);
    } catch (error) {
      this.fail(error);
      return;
    }
    await this.follow();
  }

  /** Says that events up to `count` are wanted; they are read if there are as many. */
  want(count: number): Promise<void> {
    this.wanted = Math.max(this.wanted, count);
    if (this.id === null || !this.wantsPage() || this.lifetime.signal.aborted) {
      return Promise.resolve();
    }
    if (this.following) {
      if (!this.pollIsForPage) {
        this.poll.abort();
      }
      return Promise.resolve();
    }
    return this.follow();
  }

  /** Ends the search on the server; what was found stays. */
  async cancel(): Promise<void> {
    if (this.id === null) {
      this.lifetime.abort();
      this.change({ phase: "cancelled", loading: false, elapsedMs: this.elapsed() });
      return;
    }
    try {
      await this.options.client.cancelSearch(this.id);
    } catch (error) {
      this.fail(error);
    }
  }

  /** Lets go: nothing is asked or told any more, and a search that still runs is cancelled. */
  dispose(): void {
    const runs = !isOver(this.store.get().phase);
    this.lifetime.abort();
    this.poll.abort();
    if (runs && this.id !== null) {
      this.options.client.cancelSearch(this.id).catch(() => {
        // It ends by itself; nobody waits for it any more.
      });
    }
  }

  private async create(request: SearchRequest): Promise<string> {
    for (;;) {
      try {
        return (await this.options.client.startSearch(request, this.lifetime.signal)).id;
      } catch (error) {
        if (!(error instanceof UnreachableError)) {
          throw error;
        }
        await this.waitForServer(error);
      }
    }
  }

  private async follow(): Promise<void> {
    this.following = true;
    try {
      while (!this.lifetime.signal.aborted) {
        const wantsPage = this.wantsPage();
        if (!wantsPage && isOver(this.store.get().phase)) {
          break;
        }
        await this.step(wantsPage);
      }
    } catch (error) {
      this.fail(error);
    } finally {
      this.following = false;
      if (!this.lifetime.signal.aborted) {
        this.change({ loading: false });
      }
    }
  }

  private async step(wantsPage: boolean): Promise<void> {
    const past = wantsPage ? this.moreCursor : null;
    const cursor = past ?? this.nextCursor ?? undefined;
    if (wantsPage !== this.store.get().loading) {
      this.change({ loading: wantsPage });
    }
    const seen = this.store.get().answer?.version ?? FIRST_VERSION;
    this.poll = new AbortController();
    this.pollIsForPage = wantsPage;
    try {
      const answer = await this.options.client.pollSearch(this.id ?? "", {
        cursor,
        wait: WAIT,
        seen,
        signal: AbortSignal.any([this.lifetime.signal, this.poll.signal]),
      });
      this.lostPolls = 0;
      const news = this.take(answer, cursor);
      await this.pauseAfter(answer.version !== seen, news);
    } catch (error) {
      const throttleMs = error instanceof ApiError && error.status === 429 && error.retryAfterMs;
      if (error instanceof UnreachableError) {
        await this.waitForServer(error);
      } else if (throttleMs && throttleMs <= LONGEST_THROTTLE_MS) {
        const until = this.options.now() + throttleMs;
        this.change({ lost: false, throttle: { message: explain(error), until } });
        await this.options.sleep(throttleMs, this.lifetime.signal);
      } else if (!isAbort(error) || this.lifetime.signal.aborted) {
        throw error;
      }
    }
  }

  /** Keeps what an answer brought; whether it brought events. */
  private take(answer: SearchAnswer, cursor: string | undefined): boolean {
    const { page, ...state } = answer;
    const isFirstPageAgain = cursor === undefined && this.events.length > 0;
    const brought = page.bounds.length > 0 && !isFirstPageAgain;
    if (brought) {
      this.events.append(page);
    }
    this.nextCursor = answer.next_cursor;
    this.moreCursor = answer.more_cursor;
    const before = this.store.get();
    const phase: Phase = answer.status;
    const whole = before.elapsedMs === null ? null : (before.answer?.progress ?? null);
    // What was counted whole stays the same object, so that it is not drawn anew for each page.
    const counted = before.answer?.histogram?.complete ? before.answer.histogram : state.histogram;
    this.change({
      phase,
      // Reading on past the limit has a progress of its own, which says nothing of the search as a whole.
      answer: { ...state, histogram: counted, progress: whole ?? state.progress },
      eventCount: this.events.length,
      exhausted: this.nextCursor === null && this.moreCursor === null && isOver(phase),
      lost: false,
      throttle: null,
      failure: answer.error ? { ...answer.error, column: null, retryAt: null } : null,
      firstEventsMs: before.firstEventsMs ?? (brought ? this.elapsed() : null),
      elapsedMs: before.elapsedMs ?? (isOver(phase) ? this.elapsed() : null),
    });
    return brought;
  }

  private wantsPage(): boolean {
    const more = this.nextCursor !== null || this.moreCursor !== null;
    return more && this.events.length < this.wanted;
  }

  private async pauseAfter(changed: boolean, broughtEvents: boolean): Promise<void> {
    if (broughtEvents || isOver(this.store.get().phase)) {
      this.pauseMs = FIRST_PAUSE_MS;
      return;
    }
    const longest = this.wantsPage() ? LONGEST_PAUSE_TO_PAGE_MS : LONGEST_PAUSE_MS;
    this.pauseMs = Math.min(this.pauseMs * (changed ? 1.3 : 2), longest);
    const signal = AbortSignal.any([this.lifetime.signal, this.poll.signal]);
    await this.options.sleep(this.pauseMs, signal);
  }

  private async waitForServer(error: UnreachableError): Promise<void> {
    this.change({ lost: true, throttle: null });
    const pause = LOST_PAUSES_MS[Math.min(this.lostPolls, LOST_PAUSES_MS.length - 1)] ?? 0;
    this.lostPolls += 1;
    await this.options.sleep(error.retryAfterMs ?? pause, this.lifetime.signal);
  }

  private fail(error: unknown): void {
    if (this.lifetime.signal.aborted) {
      return;
    }
    const gone =
      error instanceof ApiError && (error.status === 410 || error.code === "unknown_search");
    const retryAfterMs = error instanceof ApiError ? error.retryAfterMs : null;
    this.change({
      phase: gone ? "expired" : "failed",
      loading: false,
      lost: false,
      throttle: null,
      exhausted: true,
      failure: {
        code: error instanceof ApiError ? error.code : "unexpected",
        message: explain(error),
        column: error instanceof ApiError ? error.column : null,
        retryAt: retryAfterMs === null ? null : this.options.now() + retryAfterMs,
      },
      elapsedMs: this.elapsed(),
    });
  }

  private elapsed(): number {
    return this.options.now() - this.store.get().startedAt;
  }

  private change(part: Partial<SearchSnapshot>): void {
    this.store.set({ ...this.store.get(), ...part });
  }
}
