import assert from "node:assert/strict";
import { eventually } from "./support/eventually.js";
import { background, TRAWL } from "./support/programs.js";
import { collectedRows, collectRows, scrollToBottom } from "./support/rowCollector.js";
import { scenario } from "./support/scenario.js";

/** From the acknowledgement of an event until its row is on the page. */
const MOST_DELAY_MS = 5_000;
const PROBES = 20;

scenario(
  "the live tail shows what arrives, each event once",
  {},
  async ({ server, page, trawl }) => {
    await trawl.open({ q: "" });
    await page.getByRole("button", { name: "Live tail" }).click();
    const state = page.locator(".tail-bar [role=status]");
    await eventually("it is live", async () => (await state.textContent()) === "Live");
    await eventually(
      "the address says so",
      () => new URL(page.url()).searchParams.get("tail") === "1",
    );

    const noise = background(TRAWL, [
      "simulate",
      "--url",
      server.url,
      "--rate",
      "40",
      "--seconds",
      "60",
    ]);
    await trawl.rowsWhere("rows arrive", (rows) => rows.length > 10);
    await noteProbes(page);
    await collectRows(trawl.grid, 1);
    const delays = [];
    for (let number = 0; number < PROBES; number += 1) {
      await server.post([{ service: "probe", message: `probe ${number}` }]);
      const acknowledged = Date.now();
      const seen = await eventually(`probe ${number} is on the page`, () =>
        probeSeen(page, number),
      );
      delays.push(seen - acknowledged);
    }
    delays.sort((a, b) => a - b);
    const [median, most] = [delays[PROBES / 2], delays.at(-1)];
    console.log(
      `live tail: an event is on the page ${median} ms after it was acknowledged, at most ${most} ms`,
    );
    assert.ok(most < MOST_DELAY_MS, `at most ${most} ms`);

    await page.getByRole("button", { name: "Pause" }).click();
    await eventually("it is paused", async () => (await state.textContent()) === "Paused");
    const shown = await trawl.summary.textContent();
    await server.post([{ service: "probe", message: `probe ${PROBES}` }]);
    await page.getByText(/[1-9]\d* waiting/).waitFor();
    assert.equal(await trawl.summary.textContent(), shown, "nothing is added while it is paused");
    assert.equal(await probeSeen(page, PROBES), null);
    await page.getByRole("button", { name: "Resume" }).click();
    await eventually("what came meanwhile is there", () => probeSeen(page, PROBES));
    await noise.stop();
    await server.post([{ service: "probe", message: "probe last" }]);
    await trawl.grid.getByText("probe last").waitFor();

    const { conflicts } = await collectedRows(page);
    assert.deepEqual(conflicts, [], "no row changed its place");
    await collectRows(trawl.grid, 1);
    await scrollToBottom(trawl.grid, 0.5);
    const { entries } = await collectedRows(page);
    const probes = entries.map(([, text]) => text).filter((text) => text.startsWith("probe "));
    const numbers = Array.from({ length: PROBES + 1 }, (_, number) => `probe ${number}`);
    assert.deepEqual(probes, [...numbers, "probe last"], "each once, in the order they were sent");
    const count = Number((await trawl.summary.textContent()).match(/[\d,]+/)[0].replace(/,/g, ""));
    assert.equal(entries.length, count);
  },
);

scenario("the live tail keeps to its query", {}, async ({ server, page, trawl }) => {
  await trawl.open({ q: "level:>=warn", tail: "1" });
  const state = page.locator(".tail-bar [role=status]");
  await eventually("it is live", async () => (await state.textContent()) === "Live");
  let number = 0;
  await eventually("an error is there", async () => {
    number += 1;
    await server.post([
      { level: "info", message: `not this ${number}` },
      { level: "error", message: `but this ${number}` },
    ]);
    return (await trawl.rows()).length > 0;
  });
  const rows = await trawl.rows();
  assert.deepEqual(
    rows.filter((row) => !row.cells[1].startsWith("but this")),
    [],
  );
});

/** Keeps when each row of a probe was first on the page. */
function noteProbes(page) {
  return page.evaluate(() => {
    window.probes = new Map();
    const look = () => {
      for (const cell of document.querySelectorAll(".cell-message")) {
        const text = cell.textContent;
        if (text.startsWith("probe ") && !window.probes.has(text)) {
          window.probes.set(text, Date.now());
        }
      }
      requestAnimationFrame(look);
    };
    look();
  });
}

function probeSeen(page, number) {
  return page.evaluate((text) => window.probes.get(text) ?? null, `probe ${number}`);
}
