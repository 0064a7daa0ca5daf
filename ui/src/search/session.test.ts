import { describe, expect, it } from "vitest";
import { readSearchAnswer } from "../api/answers";
import type { PollOptions } from "../api/client";
import { ApiError, UnreachableError } from "../api/errors";
import { SearchSession } from "./session";

type Script = (cursor: string | undefined, poll: number) => object;

/** A server that answers each poll as the script says. */
function session(script: Script, wanted = 1) {
  const polled: (string | undefined)[] = [];
  const seen: (number | undefined)[] = [];
  const cancelled: string[] = [];
  let polls = 0;
  const made = new SearchSession({
    client: {
      startSearch: async () => ({ id: "s1" }),
      pollSearch: async (_id: string, options: PollOptions = {}) => {
        polled.push(options.cursor);
        seen.push(options.seen);
        polls += 1;
        const answer = script(options.cursor, polls);
        return readSearchAnswer(new TextEncoder().encode(JSON.stringify(answer)));
      },
      cancelSearch: async (id: string) => {
        cancelled.push(id);
        return { id, status: "cancelled" };
      },
    },
    search: { query: "", limit: 1000, order: "desc" },
    wanted,
    sleep: async () => {},
  });
  return { session: made, polled, seen, cancelled };
}

const events = (from: number, count: number) =>
  Array.from({ length: count }, (_, index) => ({ n: from + index }));

const numbers = (made: SearchSession) => {
  const { events: list } = made.store.get();
  return Array.from({ length: list.length }, (_, index) => JSON.parse(list.raw(index)).n);
};

const range = (count: number) => Array.from({ length: count }, (_, index) => index);

describe("a search", () => {
  it("ends with all of its events", async () => {
    const { session: made } = session(() => ({
      status: "complete",
      version: 1,
      events: events(0, 3),
    }));
    await made.start();
    expect(made.store.get()).toMatchObject({ phase: "complete", exhausted: true, eventCount: 3 });
    expect(numbers(made)).toEqual([0, 1, 2]);
  });

  it("waits for a page that is not there yet", async () => {
    const { session: made, polled } = session((_, poll) =>
      poll < 3
        ? { status: "running", version: poll, events: [], next_cursor: "first" }
        : { status: "complete", version: poll, events: events(0, 2) },
    );
    await made.start();
    expect(polled).toEqual([undefined, "first", "first"]);
    expect(numbers(made)).toEqual([0, 1]);
  });

  it("reads pages one after the other while they are wanted", async () => {
    const { session: made } = session((cursor) => {
      const page = cursor ? Number(cursor) : 0;
      return {
        status: "complete",
        version: 9,
        events: events(page * 10, 10),
        next_cursor: page < 4 ? String(page + 1) : null,
      };
    }, 25);
    await made.start();
    expect(made.store.get()).toMatchObject({ eventCount: 30, exhausted: false, loading: false });
    await made.want(50);
    expect(made.store.get()).toMatchObject({ eventCount: 50, exhausted: true });
    expect(numbers(made)).toEqual(range(50));
  });

  it("goes past the limit only when more is wanted", async () => {
    const { session: made, polled } = session((cursor) => {
      const first = { status: "complete", version: 4, events: events(0, 2), more_cursor: "more" };
      const second = { status: "complete", version: 8, events: events(2, 2) };
      return cursor === "more" ? second : first;
    });
    await made.start();
    expect(polled).toEqual([undefined]);
    expect(made.store.get().exhausted).toBe(false);
    await made.want(3);
    expect(numbers(made)).toEqual([0, 1, 2, 3]);
    expect(made.store.get().exhausted).toBe(true);
  });

  it("follows counts behind the last page, which is not asked for again", async () => {
    const {
      session: made,
      polled,
      seen,
    } = session((cursor, poll) => ({
      status: poll < 4 ? "running" : "complete",
      version: poll + 1,
      events: cursor ? [] : events(0, 2),
      next_cursor: poll < 4 ? "behind" : null,
      more_cursor: "more",
      histogram: { interval_ms: 1, by: null, complete: poll === 4, buckets: [] },
    }));
    await made.start();
    expect(polled).toEqual([undefined, "behind", "behind", "behind"]);
    expect(seen).toEqual([1, 2, 3, 4]);
    expect(numbers(made)).toEqual([0, 1]);
    expect(made.store.get().answer?.histogram?.complete).toBe(true);
  });

  it("keeps a page that comes while it asks for progress", async () => {
    const { session: made, polled } = session((cursor, poll) => ({
      status: poll < 3 ? "running" : "complete",
      version: poll + 1,
      events: events(cursor ? Number(cursor) * 2 : 0, 2),
      next_cursor: poll < 3 ? String(poll) : null,
    }));
    await made.start();
    expect(polled).toEqual([undefined, "1", "2"]);
    expect(numbers(made)).toEqual(range(6));
    expect(made.store.get().exhausted).toBe(true);
  });

  it("goes past the limit while it still counts", async () => {
    const { session: made, polled } = session(
      (cursor, poll) => ({
        status: poll < 5 ? "running" : "complete",
        version: poll + 1,
        events: poll === 1 ? events(0, 2) : poll === 3 ? events(2, 2) : [],
        next_cursor: poll < 5 ? (poll < 3 ? "1" : "2") : null,
        more_cursor: cursor === "1-more" ? null : poll === 1 ? "1-more" : "2-more",
      }),
      3,
    );
    await made.start();
    expect(polled).toEqual([undefined, "1-more", "1", "2", "2"]);
    expect(numbers(made)).toEqual(range(4));
  });

  it("takes up the same search when the server is back", async () => {
    const { session: made, polled } = session((_, poll) => {
      if (poll === 2 || poll === 3) {
        throw new UnreachableError("gone");
      }
      return poll === 1
        ? { status: "running", version: 1, events: events(0, 1), next_cursor: "next" }
        : { status: "complete", version: 2, events: events(1, 1) };
    }, 2);
    const lost: boolean[] = [];
    made.store.subscribe(() => lost.push(made.store.get().lost));
    await made.start();
    expect(lost).toContain(true);
    expect(polled).toEqual([undefined, "next", "next", "next"]);
    expect(made.store.get()).toMatchObject({ phase: "complete", lost: false });
    expect(numbers(made)).toEqual([0, 1]);
  });

  it("keeps what it has when its results expire", async () => {
    const { session: made } = session((cursor) => {
      if (cursor === "more") {
        throw new ApiError(410, "cursor_expired", "the cursor has expired");
      }
      return { status: "complete", version: 1, events: events(0, 2), more_cursor: "more" };
    });
    await made.start();
    await made.want(10);
    expect(made.store.get()).toMatchObject({ phase: "expired", eventCount: 2 });
    expect(numbers(made)).toEqual([0, 1]);
  });

  it("tells of a limit that lets it not begin, and when it may", async () => {
    let began = 0;
    const made = new SearchSession({
      client: {
        startSearch: async () => {
          began += 1;
          const detail = { limit: 2, used: 2, retry_after_seconds: 2 };
          throw new ApiError(429, "too_many_searches", "2 searches run", detail, 2000);
        },
        pollSearch: async () => Promise.reject(new Error("nothing to poll")),
        cancelSearch: async (id: string) => ({ id, status: "cancelled" }),
      },
      search: { query: "", limit: 1000, order: "desc" },
      now: () => 10_000,
    });
    await made.start();
    expect(began).toBe(1);
    expect(made.store.get()).toMatchObject({
      phase: "failed",
      failure: {
        code: "too_many_searches",
        message: "2 searches run, and 2 may at once",
        retryAt: 12_000,
      },
    });
  });

  it("waits for a limit while it runs, and goes on where it was", async () => {
    const { session: made, polled } = session((_, poll) => {
      if (poll === 2) {
        const detail = { limit: 5, unit: "requests a second", retry_after_seconds: 1 };
        throw new ApiError(429, "rate_limited", "used up", detail, 1000);
      }
      return poll === 1
        ? { status: "running", version: 1, events: events(0, 1), next_cursor: "next" }
        : { status: "complete", version: 2, events: events(1, 1) };
    }, 2);
    const told = new Set<string | undefined>();
    made.store.subscribe(() => told.add(made.store.get().throttle?.message));
    await made.start();
    expect(told).toContain("the limit of 5 requests a second is used up");
    expect(polled).toEqual([undefined, "next", "next"]);
    expect(made.store.get()).toMatchObject({ phase: "complete", throttle: null, failure: null });
    expect(numbers(made)).toEqual([0, 1]);
  });

  it("does not wait for tomorrow's limit", async () => {
    const { session: made } = session((cursor) => {
      if (cursor === "more") {
        const detail = { limit: 1e9, used: 2.5e9, retry_after_seconds: 7200 };
        throw new ApiError(429, "scan_limit_reached", "read enough", detail, 7_200_000);
      }
      return { status: "complete", version: 1, events: events(0, 2), more_cursor: "more" };
    });
    await made.start();
    await made.want(10);
    expect(made.store.get()).toMatchObject({
      phase: "failed",
      eventCount: 2,
      failure: {
        code: "scan_limit_reached",
        message: "searches have read 2.50 GB today, and the limit is 1.00 GB a day",
      },
    });
  });

  it("tells that events were deleted under it", async () => {
    const message = "events were deleted after this search began: search again";
    const { session: made } = session((_, poll) => {
      if (poll > 1) {
        throw new ApiError(410, "search_expired", message);
      }
      return { status: "running", version: 1, events: events(0, 2), next_cursor: "next" };
    });
    await made.start();
    expect(made.store.get()).toMatchObject({ phase: "expired", failure: { message } });
  });

  it("tells why it failed", async () => {
    const { session: made } = session(() => ({
      status: "failed",
      version: 1,
      events: [],
      error: { code: "too_many_groups", message: "too many groups" },
    }));
    await made.start();
    expect(made.store.get()).toMatchObject({
      phase: "failed",
      failure: { code: "too_many_groups", message: "too many groups" },
    });
  });

  it("is cancelled on the server when it is let go while it runs", async () => {
    const { session: made, cancelled } = session((_, poll) => {
      if (poll === 2) {
        made.dispose();
      }
      return { status: "running", version: poll, events: [], next_cursor: "first" };
    });
    await made.start();
    expect(cancelled).toEqual(["s1"]);
  });
});
