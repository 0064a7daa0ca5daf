import assert from "node:assert/strict";
import { eventually } from "./support/eventually.js";
import { run } from "./support/programs.js";
import { scenario } from "./support/scenario.js";
import { manyEvents } from "./support/sharedServers.js";

const searches = (visit) => visit.requests.filter((line) => /^POST .*\/v1\/searches$/.test(line));

scenario("nothing runs before one asks", { server: manyEvents }, async ({ visit, page, trawl }) => {
  await trawl.open();
  await page.getByText("Nothing runs until you ask.").waitFor();
  await page.getByText(/events stored/).waitFor();
  assert.ok(await page.getByRole("heading", { name: "Try" }).isVisible());
  assert.ok(await page.getByRole("heading", { name: "Recent" }).isVisible());
  assert.ok(await page.getByRole("heading", { name: "Saved" }).isVisible());
  await trawl.type("level:>=warn");
  assert.deepEqual(searches(visit), []);

  await page.getByRole("button", { name: /warnings and worse/ }).click();
  await eventually("the example is searched", () => searches(visit).length === 1);
  assert.equal(trawl.view().q, "level:>=warn");
});

scenario("an empty server shows a line that sends the first event", {}, async ({ page, trawl }) => {
  await trawl.open();
  await page.getByRole("heading", { name: "No events are stored yet" }).waitFor();
  const line = await page.locator("code", { hasText: "curl" }).textContent();
  await run("sh", ["-c", line]);
  await page.getByRole("button", { name: "Look for it" }).click();
  const rows = await trawl.rowsWhere("the event is there", (found) => found.length === 1);
  assert.deepEqual(rows[0].cells, ["docs", "hello"]);
});

scenario(
  "the start page learns of the first event by itself",
  {},
  async ({ server, page, trawl }) => {
    await trawl.open();
    await page.getByRole("heading", { name: "No events are stored yet" }).waitFor();
    await server.post([{ message: "first" }]);
    await page.getByText("1 events stored").or(page.getByText("1 event stored")).waitFor();
    await page
      .getByRole("heading", { name: "No events are stored yet" })
      .waitFor({ state: "detached" });
  },
);
