import assert from "node:assert/strict";
import { isDeepStrictEqual } from "node:util";
import { eventually } from "./support/eventually.js";
import { drawnPixels } from "./support/pixels.js";
import { scenario } from "./support/scenario.js";
import { manyEvents, simulatedEvents } from "./support/sharedServers.js";

scenario(
  "counts by service are a table that sorts, and bars",
  { server: manyEvents },
  async (the) => {
    const { server, page, trawl } = the;
    await trawl.open({ q: "" });
    await trawl.ask("* | stats count() by service");
    await trawl.complete();
    const { answer } = await server.search({ query: "* | stats count() by service" });
    const expected = answer.aggregates.rows.map(([service, count]) => [
      service ?? "null",
      String(count),
    ]);
    await tableIs(page, expected);

    const head = page.getByRole("columnheader", { name: "count()" });
    await head.getByRole("button").click();
    assert.equal(await head.getAttribute("aria-sort"), "descending");
    const numbers = expected.map((row) => Number(row[1]));
    assert.deepEqual(
      await countsOf(page),
      [...numbers].sort((a, b) => b - a),
    );
    await head.getByRole("button").click();
    assert.equal(await head.getAttribute("aria-sort"), "ascending");
    assert.deepEqual(
      await countsOf(page),
      [...numbers].sort((a, b) => a - b),
    );

    const bars = page.locator(".bar-row");
    assert.equal(await bars.count(), Math.min(20, expected.length));
    const widths = await bars
      .locator(".bar-fill")
      .evaluateAll((fills) => fills.map((fill) => fill.offsetWidth));
    assert.ok(widths[0] > 0);
    assert.deepEqual(
      widths,
      [...widths].sort((a, b) => b - a),
    );
  },
);

scenario("counts over time are a table and lines", { server: simulatedEvents }, async (the) => {
  const { server, page, trawl } = the;
  await trawl.open({ q: "* | timechart 5m by level", tz: "UTC" });
  await trawl.complete();
  const { answer } = await server.search({ query: "* | timechart 5m by level" });
  const expected = answer.aggregates.rows.map(([time, level, count]) => [
    time.slice(0, 16).replace("T", " "),
    level,
    String(count),
  ]);
  await tableIs(page, expected);
  const chart = page.locator(".line-chart");
  await eventually("lines are drawn", async () => (await drawnPixels(chart)) > 50);
  assert.equal(
    await chart.locator(".u-series").count(),
    1 + new Set(expected.map((row) => row[1])).size,
  );
});

scenario(
  "several values, `top` and a query that finds nothing",
  { server: simulatedEvents },
  async (the) => {
    const { page, trawl } = the;
    await trawl.open({
      q: "service:gateway | stats count(), p99(http.latency_ms) as slow by http.method",
    });
    await trawl.complete();
    await page.getByLabel("Chart of").selectOption("slow");
    assert.ok((await cells(page)).length > 1);

    await trawl.ask("* | top 3 service");
    await trawl.complete();
    await eventually("three rows are there", async () => (await cells(page)).length === 3);

    await trawl.ask("service:nobody | stats count() by service");
    await page.getByText("No events match, so there is nothing to count.").waitFor();
  },
);

/** Waits until the table has these cells. */
function tableIs(page, expected) {
  return eventually("the table is there", async () =>
    isDeepStrictEqual(await cells(page), expected),
  );
}

/** The cells of the table by row. */
function cells(page) {
  return page
    .locator(".data-table tbody tr")
    .evaluateAll((rows) => rows.map((row) => [...row.children].map((cell) => cell.textContent)));
}

async function countsOf(page) {
  return (await cells(page)).map((row) => Number(row[1]));
}
