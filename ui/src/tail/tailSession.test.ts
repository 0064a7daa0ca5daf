import { expect, it } from "vitest";
import { readTailAnswer } from "../api/answers";
import { ApiError, UnreachableError } from "../api/errors";
import { TailSession } from "./tailSession";

/** A tail whose answers are given one after the other; it ends after the last. */
function tail(
  answers: (object | Error)[],
  between: (session: TailSession, place: number) => void = () => {},
) {
  const cursors: (string | undefined)[] = [];
  const session: TailSession = new TailSession({
    query: "x",
    client: {
      tail: async (_query, cursor) => {
        const place = cursors.length;
        cursors.push(cursor);
        between(session, place);
        const answer = answers[place];
        if (answer === undefined) {
          session.dispose();
          throw new DOMException("aborted", "AbortError");
        }
        if (answer instanceof Error) {
          throw answer;
        }
        return readTailAnswer(new TextEncoder().encode(JSON.stringify(answer)));
      },
    },
    sleep: async () => {},
  });
  return { session, cursors };
}

const events = (from: number, count: number) =>
  Array.from({ length: count }, (_, index) => ({ n: from + index }));

it("follows by cursor, and goes on after the server was away", async () => {
  const { session, cursors } = tail([
    { events: events(0, 2), cursor: "a", missed: 0 },
    new UnreachableError("gone"),
    { events: events(2, 1), cursor: "b", missed: 7, gap: "from 10:00 to 10:01" },
  ]);
  await session.start();
  expect(cursors).toEqual([undefined, "a", "a", "b"]);
  const { events: shown, missed, gaps, received } = session.store.get();
  expect([0, 1, 2].map((index) => shown.raw(index))).toEqual(['{"n":0}', '{"n":1}', '{"n":2}']);
  expect({ missed, gaps, received }).toEqual({
    missed: 7,
    gaps: ["from 10:00 to 10:01"],
    received: 3,
  });
});

it("keeps what comes while it is paused, and says what there was no room for", async () => {
  const { session } = tail(
    [
      { events: events(0, 1), cursor: "a" },
      { events: events(1, 4_000), cursor: "b" },
      { events: events(4_001, 4_000), cursor: "c" },
    ],
    (made, place) => place === 1 && made.pause(),
  );
  await session.start();
  expect(session.store.get()).toMatchObject({ held: 5_000, heldDropped: 3_000 });
  expect(session.store.get().events.length).toBe(1);
  session.resume();
  const { events: shown, gaps } = session.store.get();
  expect(shown.length).toBe(5_000);
  expect(shown.raw(4_999)).toBe('{"n":8000}');
  expect(gaps).toEqual(["3000 events went by while paused"]);
});

it("waits for a limit, and goes on by cursor", async () => {
  const detail = { limit: 5, unit: "requests a second", retry_after_seconds: 1 };
  const states: (string | undefined)[] = [];
  const { session, cursors } = tail(
    [
      { events: events(0, 1), cursor: "a", missed: 0 },
      new ApiError(429, "rate_limited", "used up", detail, 1000),
      { events: events(1, 1), cursor: "b", missed: 0 },
    ],
    (tailing) => states.push(tailing.store.get().throttle?.message),
  );
  await session.start();
  expect(cursors).toEqual([undefined, "a", "a", "b"]);
  const told = "the limit of 5 requests a second is used up";
  expect(states).toEqual([undefined, undefined, told, undefined]);
  expect(session.store.get()).toMatchObject({ received: 2, failure: null, lost: false });
});
