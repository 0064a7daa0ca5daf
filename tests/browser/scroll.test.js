import assert from "node:assert/strict";
import { setTimeout as pause } from "node:timers/promises";
import { eventually } from "./support/eventually.js";
import { collectedRows, collectRows, scrollToBottom } from "./support/rowCollector.js";
import { scenario } from "./support/scenario.js";
import { manyEvents } from "./support/sharedServers.js";

const DEEP = 10_000;
const NUMBERED = 50_000;
const BETWEEN_SENDING_MS = 50;

scenario("the wheel scrolls 10,000 rows deep", { server: manyEvents }, async (the) => {
  const { server, page, trawl } = the;
  await trawl.open({ q: "*", tz: "UTC" });
  await trawl.rowsWhere("rows are there", (rows) => rows.length > 10);
  await trawl.grid.hover();
  await eventually("the rows are 10,000 deep", async () => {
    await page.mouse.wheel(0, 6_000);
    return ((await trawl.rows()).at(-1)?.index ?? 0) > DEEP;
  });
  const last = (await trawl.rows()).at(-1).index;
  const { events } = await server.search({ query: "*", limit: 1_000 }, last + 1);
  await trawl.rowsWhere("the rows are those of the API", (rows) =>
    rows.every(({ index, cells }) => index > last || cells[1] === events[index].message),
  );
});

scenario("End leads to the last event, Home to the first", { server: manyEvents }, async (the) => {
  const { server, page, trawl } = the;
  const query = "level:>=warn";
  const count = await server.count(query);
  assert.ok(count > 1_000);
  await trawl.open({ q: query, tz: "UTC" });
  const first = await trawl.rowsWhere("rows are there", (rows) => rows.length > 10);
  await trawl.grid.focus();
  await page.keyboard.press("End");
  await trawl.rowsWhere("the last row is there", (rows) => rows.at(-1).index === count - 1);
  await trawl.grid.getByText(/^End of the result: [\d,]+ events$/).waitFor();
  const oldest = await server.search({ query, order: "asc", limit: 1 });
  assert.equal(
    new Date(`${(await trawl.rows()).at(-1).time}Z`).getTime(),
    new Date(oldest.events[0].timestamp).getTime(),
  );
  await page.keyboard.press("Home");
  await trawl.rowsWhere(
    "the first row is back",
    (rows) => JSON.stringify(rows[0]) === JSON.stringify(first[0]),
  );
});

scenario(
  "scrolling to the very end shows each of 50,000 events once while others arrive",
  {
    viewport: { width: 720, height: 4000 },
  },
  async ({ server, page, trawl }) => {
    const numbers = Array.from({ length: NUMBERED }, (_, index) => index);
    const start = Date.parse("2026-03-02T00:00:00Z");
    // Five events have one timestamp each time: their order is for the server to choose, and to keep.
    const lines = numbers.map((number) =>
      JSON.stringify({
        timestamp: new Date(start + Math.floor(number / 5) * 100).toISOString(),
        service: "counter",
        level: "info",
        message: `numbered ${number}`,
      }),
    );
    await server.pushLines(lines.join("\n"));

    const newcomers = keepSending(server);
    await newcomers.sent(20);
    await trawl.open({ q: "numbered" });
    await trawl.rowsWhere("rows are there", (rows) => rows.length > 10);
    await collectRows(trawl.grid, 1);
    await scrollToBottom(trawl.grid, 0.97);
    const { entries, conflicts } = await collectedRows(page);
    const { events } = await server.search({ query: "numbered", limit: 1_000 });
    const sentMeanwhile = await newcomers.stop();

    assert.ok(sentMeanwhile > 40, `${sentMeanwhile} events were sent meanwhile`);
    assert.deepEqual(conflicts, [], "no place of the list ever showed two events");
    assert.deepEqual(
      gaps(entries.map(([index]) => index)),
      [],
      "no place of the list was left out",
    );
    const shown = entries.map(([, text]) => Number(text.replace("numbered ", "")));
    const ours = shown.filter((number) => number < NUMBERED);
    assert.deepEqual(
      [...ours].sort((a, b) => a - b),
      numbers,
      "each of the numbers once",
    );
    const ofApi = events.map((event) => Number(event.message.replace("numbered ", "")));
    assert.deepEqual(
      ours,
      ofApi.filter((number) => number < NUMBERED),
      "in the order of the API",
    );
    const times = shown.map((number) => (number < NUMBERED ? Math.floor(number / 5) : number));
    assert.deepEqual(
      times,
      [...times].sort((a, b) => b - a),
      "newest first",
    );
  },
);

/** What lies between indexes that are not neighbours, as `[last before, first after]`; they begin with 0. */
function gaps(indexes) {
  const before = (place) => indexes[place - 1] ?? -1;
  return indexes.flatMap((index, place) =>
    index === before(place) + 1 ? [] : [[before(place), index]],
  );
}

/** Sends further numbers, each with the time of now, until it is stopped. */
function keepSending(server) {
  let sent = 0;
  let stopped = false;
  const sending = (async () => {
    while (!stopped) {
      const number = NUMBERED + sent;
      await server.post([
        { timestamp: new Date().toISOString(), service: "counter", message: `numbered ${number}` },
      ]);
      sent += 1;
      await pause(BETWEEN_SENDING_MS);
    }
  })();
  return {
    sent: (count) => eventually(`${count} more are sent`, () => sent >= count),
    async stop() {
      stopped = true;
      await sending;
      return sent;
    },
  };
}
