import assert from "node:assert/strict";
import { eventually } from "./support/eventually.js";
import { drawnPixels } from "./support/pixels.js";
import { scenario } from "./support/scenario.js";
import { simulatedEvents } from "./support/sharedServers.js";

scenario(
  "a brush over the histogram narrows the range",
  { server: simulatedEvents },
  async (the) => {
    const { server, page, trawl } = the;
    await trawl.open({ q: "*" });
    const whole = await trawl.total();
    await eventually("bars are drawn", async () => (await drawnPixels(trawl.histogram)) > 50);

    const plot = await trawl.histogram.locator(".u-over").boundingBox();
    const y = plot.y + plot.height / 2;
    await page.mouse.move(plot.x + plot.width * 0.3, y);
    await page.mouse.down();
    await page.mouse.move(plot.x + plot.width * 0.45, y, { steps: 4 });
    await page.mouse.move(plot.x + plot.width * 0.6, y, { steps: 4 });
    await page.mouse.up();
    await eventually("the address has the range", () => trawl.view().from && trawl.view().to);
    const { q, from, to } = trawl.view();
    assert.equal(q, "*");
    const part = await trawl.total();
    assert.equal(part, await server.count("*", { from, to }));
    assert.ok(part > whole * 0.2 && part < whole * 0.4, `${part} of ${whole} events`);

    await trawl.stepBack();
    await eventually("the range is open again", () => trawl.view().from === null);
    await eventually("all events are counted again", async () => (await trawl.total()) === whole);
  },
);

scenario(
  "a brush outlives what a search counts meanwhile",
  { server: simulatedEvents },
  async (the) => {
    const { server, page, trawl } = the;
    await trawl.open({ q: "level:>=warn" });
    await trawl.complete();
    await trawl.ask("*");
    await trawl.complete();
    const plot = await trawl.histogram.locator(".u-over").boundingBox();
    const y = plot.y + plot.height / 2;
    await page.mouse.move(plot.x + plot.width * 0.3, y);
    await page.mouse.down();
    await page.mouse.move(plot.x + plot.width * 0.45, y, { steps: 4 });
    await page.goBack();
    await trawl.complete();
    await page.mouse.move(plot.x + plot.width * 0.6, y, { steps: 4 });
    await page.mouse.up();
    await eventually("the address has the range", () => trawl.view().from && trawl.view().to);
    const { q, from, to } = trawl.view();
    assert.equal(q, "level:>=warn");
    assert.equal(await trawl.total(), await server.count(q, { from, to }));
  },
);

scenario(
  "a bar is chosen by a click, and without a pointer from the table",
  { server: simulatedEvents },
  async (the) => {
    const { server, page, trawl } = the;
    await trawl.open({ q: "level:>=warn" });
    const whole = await trawl.total();
    await page.getByRole("button", { name: "Histogram as a table" }).click();
    const table = page.getByRole("region", { name: "Histogram table" });
    const counts = await table.locator("tbody tr td:nth-child(2)").allTextContents();
    assert.equal(
      counts.map((text) => Number(text.replace(/,/g, ""))).reduce((a, b) => a + b),
      whole,
    );

    await table.getByRole("button").nth(3).press("Enter");
    await eventually("the address has the range", () => trawl.view().from);
    const part = await trawl.total();
    assert.equal(part, Number(counts[3]));
    const { from, to } = trawl.view();
    assert.equal(part, await server.count("level:>=warn", { from, to }));

    await page.goBack();
    await eventually("all are counted again", async () => (await trawl.total()) === whole);
    const plot = await trawl.histogram.locator(".u-over").boundingBox();
    await page.mouse.click(plot.x + plot.width * 0.5, plot.y + plot.height - 5);
    await eventually("the address has the range", () => trawl.view().from);
    const clicked = trawl.view();
    assert.equal(
      await trawl.total(),
      await server.count("level:>=warn", { from: clicked.from, to: clicked.to }),
    );
  },
);

scenario(
  "the histogram is stacked by a field that is chosen",
  { server: simulatedEvents },
  async (the) => {
    const { page, trawl } = the;
    await trawl.open({ q: "*" });
    await trawl.complete();
    await page.getByLabel("Stacked by").selectOption("service");
    await eventually("the address has it", () => page.url().includes("by=service"));
    const legend = trawl.histogram.getByRole("listitem");
    await eventually("services are in the legend", async () =>
      (await legend.allTextContents()).some((text) => text.startsWith("checkout")),
    );
  },
);
