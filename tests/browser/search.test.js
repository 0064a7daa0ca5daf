import assert from "node:assert/strict";
import { eventually } from "./support/eventually.js";
import { lookForAMoment } from "./support/moment.js";
import { drawnPixels } from "./support/pixels.js";
import { scenario } from "./support/scenario.js";
import { commonWord, manyEvents } from "./support/sharedServers.js";

scenario(
  "a typed query gives rows, marks, bars and facets",
  { server: manyEvents },
  async (the) => {
    const { server, page, trawl } = the;
    await trawl.open();
    await trawl.chooseRange("All time");
    await trawl.type(commonWord);
    await page.keyboard.press("Enter");
    await eventually("the address has the query", () => trawl.view().q !== null);
    assert.deepEqual(trawl.view(), { q: commonWord, from: null, to: null });

    await trawl.rowsWhere("rows are there", (rows) => rows.length > 10);
    const total = await trawl.total();
    assert.equal(total, await server.count(commonWord));
    assert.ok(total > 1_000, `${total} events hold the word`);

    const marks = await trawl.grid.locator("mark").allTextContents();
    assert.ok(marks.length > 0);
    assert.deepEqual([...new Set(marks.map((mark) => mark.toLowerCase()))], [commonWord]);

    await eventually("bars are drawn", async () => (await drawnPixels(trawl.histogram)) > 50);
    const inBars = await trawl.histogram.getByText(/events in \d/).textContent();
    assert.equal(Number(/^([\d,]+) events/.exec(inBars)[1].replace(/,/g, "")), total);

    const services = await trawl.facets.getByRole("button", { name: /^Only service/ }).count();
    const { values } = await server.get(`/v1/fields/service/values?query=${commonWord}`);
    assert.equal(services, Math.min(10, values.length));
    assert.equal(await page.title(), `${commonWord} · Trawl`);
  },
);

scenario("a link gives the same rows again", { server: manyEvents }, async ({ page, trawl }) => {
  await trawl.open({ q: `${commonWord} -level:debug`, tz: "UTC" });
  await trawl.complete();
  const rows = await trawl.rowsWhere("rows are there", (found) => found.length > 10);
  await page.reload();
  await trawl.complete();
  const again = await trawl.rowsWhere("rows are there", (found) => found.length > 10);
  assert.deepEqual(again.slice(0, 10), rows.slice(0, 10));
  assert.equal(await trawl.editor.textContent(), `${commonWord} -level:debug`);
});

scenario(
  "Back leads to the query before, Forward to the next",
  { server: manyEvents },
  async (the) => {
    const { page, trawl } = the;
    await trawl.open({ q: "level:>=warn" });
    await trawl.complete();
    const first = await trawl.rowsWhere("rows are there", (rows) => rows.length > 10);
    await trawl.ask(`${commonWord} level:info`);
    await trawl.complete();
    await trawl.rowsWhere("all are of level info", (rows) =>
      rows.every((row) => row.level === "INF"),
    );

    await page.goBack();
    assert.equal(trawl.view().q, "level:>=warn");
    await eventually(
      "the editor has it",
      async () => (await trawl.editor.textContent()) === "level:>=warn",
    );
    await trawl.complete();
    const top = (rows) => JSON.stringify(rows.slice(0, 10));
    const isFirst = (rows) => top(rows) === top(first);
    await trawl.rowsWhere("the first rows are back", isFirst);

    await page.goForward();
    assert.equal(trawl.view().q, `${commonWord} level:info`);
    await trawl.rowsWhere("the rows after are back", (rows) =>
      rows.every((row) => row.level === "INF"),
    );
  },
);

scenario(
  "Enter ends the offering of completions",
  { server: manyEvents },
  async ({ page, trawl }) => {
    await trawl.open({ q: "" });
    await trawl.complete();
    await trawl.type("level:info");
    await page.keyboard.press("Enter");
    await eventually("the address has the query", () => trawl.view().q !== "");
    await trawl.complete();
    await lookForAMoment(page);
    assert.equal(await page.locator(".cm-tooltip-autocomplete").count(), 0);
  },
);

scenario(
  "Enter searches for what was typed while completions are offered",
  { server: manyEvents },
  async (the) => {
    const { page, trawl } = the;
    await trawl.open({ q: "" });
    await trawl.complete();
    await trawl.type("lev");
    await page.locator(".cm-tooltip-autocomplete [role=option]").first().waitFor();
    await lookForAMoment(page);
    await page.keyboard.press("Enter");
    await eventually("the address has what was typed", () => trawl.view().q === "lev", 5_000);
  },
);

scenario("Tab takes the first completion, an arrow key and Enter a chosen one", {}, async (the) => {
  const { server, page, trawl } = the;
  await server.post([{ message: "kept", level: "info", service: "docs" }]);
  await trawl.open({ q: "" });
  await trawl.complete();
  for (const keys of [["Tab"], ["ArrowDown", "Enter"]]) {
    await trawl.type("serv");
    await page.locator(".cm-tooltip-autocomplete [role=option]").first().waitFor();
    await lookForAMoment(page);
    for (const key of keys) {
      await page.keyboard.press(key);
    }
    assert.equal(await trawl.editor.textContent(), "service:");
    assert.equal(trawl.view().q, "", "nothing was searched for yet");
  }
});
