import assert from "node:assert/strict";
import { eventually } from "./support/eventually.js";
import { scenario } from "./support/scenario.js";
import { simulatedEvents } from "./support/sharedServers.js";
import { VIEWS } from "./support/views.js";

const PHONE = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true };

scenario(
  "a narrow screen never scrolls sideways as a whole",
  { server: simulatedEvents, ...PHONE },
  async (the) => {
    const tooWide = [];
    for (const [name, show] of VIEWS) {
      await show(the);
      const width = await the.page.evaluate(() => {
        window.scrollTo(1_000, 0);
        return Math.max(document.documentElement.scrollWidth, window.scrollX + 390);
      });
      if (width > 390) {
        tooWide.push(`${name}: ${width} px`);
      }
    }
    assert.deepEqual(tooWide, []);
  },
);

scenario("a narrow screen is of use", { server: simulatedEvents, ...PHONE }, async (the) => {
  const { server, page, trawl } = the;
  await trawl.open();
  await trawl.chooseRange("All time");
  await trawl.editor.tap();
  await page.keyboard.type("level:>=warn");
  await page.getByRole("button", { name: "Search", exact: true }).tap();
  assert.equal(await trawl.total(), await server.count("level:>=warn"));
  const list = await trawl.grid.boundingBox();
  assert.ok(list.height > 250, `the list is ${list.height} px high`);
  const message = await trawl.row(1).locator(".cell-message").boundingBox();
  assert.ok(message.x >= 0 && message.x + message.width <= 390, "the message is on the screen");
  assert.ok(message.width > 300, `the message has ${message.width} px`);

  await trawl.row(1).tap();
  await trawl.drawer.waitFor();
  const drawer = await trawl.drawer.boundingBox();
  assert.ok(drawer.width > 340, `the event is ${drawer.width} px wide`);
  await trawl.drawer.getByRole("button", { name: "Close event" }).tap();
  await trawl.drawer.waitFor({ state: "detached" });

  await page.getByRole("button", { name: "Facets", exact: true }).tap();
  await trawl.facets.getByRole("button", { name: /^Only service gateway/ }).tap();
  await eventually("the query has the filter", () => trawl.view().q.includes("gateway"));
  assert.equal(await trawl.total(), await server.count("level:>=warn service:=gateway"));
});
