import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { eventually } from "./support/eventually.js";
import { scenario } from "./support/scenario.js";

const ESC = "\u001b";
/** One that is in the range of any search, so that the server adds none. */
const TIMESTAMP = new Date().toISOString();
const EVENT = {
  timestamp: TIMESTAMP,
  service: `pay\u200bments`,
  level: "info",
  message: `${ESC}[31mpaid \u202e001$\u202c\rfree ␛ end`,
  "ke\u202ey": "\u2066x\ufeff",
};
const UNSEEN = /\p{Cf}|(?!\n)\p{Cc}/u;
const SHOWN = "␛[31mpaid ‹U+202E›001$‹U+202C›␍free ␛ end";

scenario(
  "characters that nobody sees are shown, and copied as they were sent",
  { permissions: ["clipboard-read", "clipboard-write"] },
  async ({ server, page, trawl }) => {
    const copied = () => page.evaluate(() => navigator.clipboard.readText());
    await server.post([EVENT]);
    await trawl.open({ q: "free" });
    const [row] = await trawl.rowsWhere("the event is there", (rows) => rows.length === 1);
    assert.deepEqual(row.cells, ["pay‹U+200B›ments", SHOWN]);
    await trawl.complete();
    await trawl.facets.getByText("pay‹U+200B›ments").first().waitFor();

    await trawl.openRow(0);
    await trawl.drawer.getByText(SHOWN).waitFor();
    await trawl.drawer.getByText("ke‹U+202E›y").waitFor();
    assert.equal(await page.getByText(UNSEEN).count(), 0);
    const labels = await page
      .locator("[aria-label], [title]")
      .evaluateAll((all) =>
        all.map((one) => `${one.getAttribute("aria-label")} ${one.getAttribute("title")}`),
      );
    assert.deepEqual(
      labels.filter((label) => UNSEEN.test(label)),
      [],
    );

    await trawl.drawer.getByText(SHOWN).hover();
    await trawl.drawer.getByRole("button", { name: "Copy message" }).click();
    await eventually("the value is copied", async () => (await copied()) === EVENT.message);
    await trawl.drawer.getByText(SHOWN).selectText();
    await page.keyboard.press("Control+c");
    await eventually("what was selected is copied as it was sent", async () => {
      const text = await copied();
      return text.trim() === EVENT.message;
    });
    await trawl.drawer.getByRole("button", { name: "Copy JSON" }).click();
    await eventually("the event is copied", async () => (await copied()) === JSON.stringify(EVENT));

    await trawl.drawer.getByRole("tab", { name: "JSON" }).click();
    const json = await trawl.drawer.locator(".event-json").textContent();
    assert.match(json, /"ke\\u202ey": "\\u2066x\\ufeff"/);
    assert.deepEqual(JSON.parse(json), EVENT);
  },
);

scenario(
  "exports are exact as JSON lines, and no formulas as CSV",
  {},
  async ({ server, page, trawl }) => {
    const event = {
      timestamp: TIMESTAMP,
      service: "=1+1",
      message: `@SUM(A1) ${ESC}[0m\u202e`,
      n: -12.5,
    };
    await server.post([event]);
    await trawl.open({ q: "*", col: "service" });
    await trawl.rowsWhere("the event is there", (rows) => rows.length === 1);
    await page.getByRole("button", { name: "Menu" }).click();
    await page.getByRole("menuitem", { name: "Export…" }).click();
    const saved = async (name) => {
      const [download] = await Promise.all([
        page.waitForEvent("download"),
        page.getByRole("button", { name }).click(),
      ]);
      return readFile(await download.path(), "utf8");
    };
    assert.equal(await saved("JSON lines, as sent"), `${JSON.stringify(event)}\n`);
    assert.equal(await saved("CSV of the columns"), `timestamp,service\r\n${TIMESTAMP},'=1+1\r\n`);
  },
);
