import assert from "node:assert/strict";
import { eventually } from "./support/eventually.js";
import { scenario } from "./support/scenario.js";
import { simulatedEvents } from "./support/sharedServers.js";

scenario(
  "the context shows neighbours of the same service in the order of time",
  { server: simulatedEvents },
  async (the) => {
    const { server, page, trawl } = the;
    await trawl.open({
      q: "service:checkout",
      tz: "UTC",
      from: "2026-03-02T09:10:00Z",
      to: "2026-03-02T09:15:00Z",
    });
    await trawl.rowsWhere("rows are there", (rows) => rows.length > 10);
    await trawl.openRow(4);
    const opened = (await trawl.rows()).find((row) => row.index === 4);
    await trawl.drawer.getByRole("button", { name: "Show context" }).click();

    const dialog = page.getByRole("dialog", { name: "Context" });
    const around = dialog.getByRole("grid", { name: "Events around" });
    const anchor = around.locator(".is-anchor");
    await anchor.waitFor();
    const shown = [opened.level, opened.time, ...opened.cells].join("\n");
    // Rows are moved while earlier events come in, also between finding the cells and reading them.
    await eventually("the event itself is marked", async () => {
      const cells = await anchor.locator("[role=gridcell]").allTextContents();
      return cells.join("\n") === shown;
    });

    const size = () => around.getAttribute("aria-rowcount").then((text) => Number(text) - 1);
    const before = await eventually(
      "both sides are there",
      async () => (await size()) === 200 && (await size()),
    );
    const wanted = await neighbours(server, opened, 100);
    await eventually("they are the neighbours that the API finds", async () => {
      const rows = await trawl.rows(around);
      return rows.length > 5 && rows.every((row) => row.cells[1] === wanted[row.index]);
    });
    const rows = await trawl.rows(around);
    assert.ok(rows.every((row) => row.cells[0] === "checkout"));
    const times = rows.map((row) => row.time);
    assert.deepEqual(times, [...times].sort());

    await dialog.getByRole("button", { name: "Earlier events" }).click();
    const more = await eventually(
      "more are there before",
      async () => (await size()) > before && size(),
    );
    await anchor.waitFor();
    assert.equal(await anchor.locator("[role=gridcell]").nth(1).textContent(), opened.time);
    await dialog.getByRole("button", { name: "Later events" }).click();
    await eventually("more are there after", async () => (await size()) > more);
    await anchor.waitFor();

    await page.keyboard.press("Escape");
    await dialog.waitFor({ state: "detached" });
    assert.ok(await trawl.drawer.isVisible(), "the opened event is still there");
  },
);

/** Messages of the service around an event, `count` on each side, in the order of time. */
async function neighbours(server, { time }, count) {
  const at = `${time.replace(" ", "T")}Z`;
  const query = "service:=checkout";
  const before = await server.search({ query, to: at, order: "desc", limit: 1_000 }, count);
  const after = await server.search({ query, from: at, order: "asc", limit: 1_000 }, count);
  return [...before.events.slice(0, count).reverse(), ...after.events.slice(0, count)].map(
    (event) => event.message,
  );
}
