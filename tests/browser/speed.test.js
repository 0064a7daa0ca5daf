import assert from "node:assert/strict";
import { scenario } from "./support/scenario.js";
import { commonWord, manyEvents } from "./support/sharedServers.js";

const RUNS = 10;
const SCROLL_MS = 4_000;
/** So slow would be a fault, whatever the machine. */
const MOST_MS = 10_000;

scenario(
  "first rows come soon after Enter",
  { server: manyEvents },
  async ({ server, page, trawl }) => {
    const times = [];
    await trawl.open({ q: "" });
    await trawl.complete();
    for (let run = 0; run < RUNS; run += 1) {
      const query = run % 2 === 0 ? `${commonWord} -word${run}` : `level:>=warn -word${run}`;
      await trawl.type(query);
      await noteFirstRows(page);
      await page.keyboard.press("Control+Enter");
      const time = await page.waitForFunction(() => window.firstRowsMs ?? null);
      times.push(Math.round(await time.jsonValue()));
      await trawl.complete();
    }
    times.sort((a, b) => a - b);
    const median = times[RUNS / 2];
    const { events } = await server.get("/v1/status");
    console.log(
      `Enter to first rows among ${events} events: median ${median} ms, ${times[0]} to ${times.at(-1)} ms`,
    );
    assert.ok(median < MOST_MS);
  },
);

scenario("scrolling is smooth", { server: manyEvents }, async ({ server, trawl }) => {
  await trawl.open({ q: "*" });
  await trawl.rowsWhere("rows are there", (rows) => rows.length > 10);
  await trawl.complete();
  const { intervals, blank, rows } = await scroll(trawl.grid, SCROLL_MS);
  const sorted = [...intervals].sort((a, b) => a - b);
  const at = (share) => sorted[Math.floor(sorted.length * share)].toFixed(1);
  const perSecond = (1_000 * intervals.length) / intervals.reduce((sum, each) => sum + each, 0);
  const { events } = await server.get("/v1/status");
  console.log(
    `scrolling ${rows} rows in ${SCROLL_MS / 1000} s, ${events} events: ${perSecond.toFixed(1)} frames a second, ` +
      `interval median ${at(0.5)} ms, p95 ${at(0.95)} ms, most ${at(0.999)} ms; ` +
      `${((100 * blank) / intervals.length).toFixed(1)} % of frames not filled with rows`,
  );
  assert.ok(perSecond > 1);
});

/** Keeps how long it takes from Enter until rows of another search stand in the list. */
function noteFirstRows(page) {
  return page.evaluate(() => {
    window.firstRowsMs = undefined;
    const onKey = (event) => {
      if (event.key !== "Enter") {
        return;
      }
      document.removeEventListener("keydown", onKey, true);
      const start = performance.now();
      const before = document.querySelector(".event-row");
      let isCleared = false;
      const look = () => {
        isCleared ||= before === null || !before.isConnected;
        if (isCleared && document.querySelector(".event-row")) {
          window.firstRowsMs = performance.now() - start;
        } else {
          requestAnimationFrame(look);
        }
      };
      look();
    };
    document.addEventListener("keydown", onKey, true);
  });
}

/** Scrolls by 15 rows a frame for a while; intervals of frames, how many were not filled, how far it came. */
function scroll(grid, durationMs) {
  return grid.evaluate(async (element, duration) => {
    const intervals = [];
    let blank = 0;
    const box = element.getBoundingClientRect();
    const frame = () => new Promise(requestAnimationFrame);
    const start = await frame();
    let last = start;
    while (last - start < duration) {
      element.scrollTop += 330;
      const now = await frame();
      intervals.push(now - last);
      last = now;
      const under = document.elementFromPoint(box.left + 100, box.bottom - 60);
      blank += under?.closest(".event-row, .list-footer") ? 0 : 1;
    }
    const rows = Math.round(element.scrollTop / 22);
    return { intervals, blank, rows };
  }, durationMs);
}
