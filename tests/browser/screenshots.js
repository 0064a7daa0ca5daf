// Makes the pictures of the README, docs/images/, from simulated events that are the same each time.
import { mkdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { closeBrowser, Visit } from "./support/browser.js";
import { simulatedLines } from "./support/events.js";
import { eventually } from "./support/eventually.js";
import { drawnPixels } from "./support/pixels.js";
import { ROOT } from "./support/programs.js";
import { Server } from "./support/server.js";
import { Trawl } from "./support/trawl.js";

const FOLDER = join(ROOT, "docs/images");
const SIZE = { width: 1440, height: 900 };
const EVENTS = 60_000;
const RANGE = { from: "2026-03-02T09:00:00Z", to: "2026-03-02T09:50:00Z", tz: "UTC" };
/** The live tail has these: they follow on the others. */
const TAIL_START = "2026-03-02T09:50:00Z";
const MOST_BYTES = 300_000;

const server = await Server.start();
try {
  await mkdir(FOLDER, { recursive: true });
  await server.pushLines(await simulatedLines(EVENTS));
  await server.settle();
  await picture("search.png", "light", search);
  await picture("search-dark.png", "dark", search);
  await picture("table.png", "light", table);
  await picture("tail.png", "light", tail);
} finally {
  await closeBrowser();
  await server.stop();
}

async function picture(name, colorScheme, show) {
  const visit = await Visit.begin({ viewport: SIZE, colorScheme, reducedMotion: "reduce" });
  const path = join(FOLDER, name);
  await show(new Trawl(visit.page, server.url), visit.page);
  await visit.page.screenshot({ path, caret: "hide" });
  await visit.end();
  const { size } = await stat(path);
  console.log(`${path}: ${size} bytes`);
  if (size > MOST_BYTES) {
    throw new Error(`${name} has more than ${MOST_BYTES} bytes`);
  }
}

async function search(trawl, page) {
  await trawl.open({ q: "payments OR level:>=warn", ...RANGE });
  await trawl.complete();
  await eventually("bars are drawn", async () => (await drawnPixels(trawl.histogram)) > 50);
  const rows = await trawl.rows();
  const { index } = rows.find((row) => row.index > 3 && row.level === "ERR") ?? rows[4];
  await trawl.openRow(index);
  await page.mouse.move(0, 0);
}

async function table(trawl, page) {
  await trawl.open({
    q: "service:gateway | timechart 1m count(), p99(http.latency_ms) by http.method",
    ...RANGE,
  });
  await trawl.complete();
  await eventually(
    "lines are drawn",
    async () => (await drawnPixels(page.locator(".line-chart"))) > 50,
  );
}

async function tail(trawl) {
  await trawl.open({ q: "level:>=info", tail: "1", tz: "UTC" });
  const lines = (await simulatedLines(400, { seed: 8, start: TAIL_START })).trim().split("\n");
  await eventually("rows fill the page", async () => {
    await server.pushLines(lines.splice(0, 8).join("\n"));
    return (await trawl.rows()).length > 40;
  });
}
