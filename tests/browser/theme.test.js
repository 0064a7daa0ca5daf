import assert from "node:assert/strict";
import { eventually } from "./support/eventually.js";
import { scenario } from "./support/scenario.js";
import { simulatedEvents } from "./support/sharedServers.js";
import { showResults } from "./support/views.js";

for (const colorScheme of ["light", "dark"]) {
  scenario(
    `the page is ${colorScheme} as the system is`,
    { server: simulatedEvents, colorScheme },
    async (the) => {
      await showResults(the);
      assert.equal((await brightness(the.page)) > 128, colorScheme === "light");
    },
  );
}

scenario(
  "a theme that was chosen stays",
  { server: simulatedEvents, colorScheme: "light" },
  async (the) => {
    const { page, trawl } = the;
    await showResults(the);
    await page.getByRole("button", { name: "Menu" }).click();
    await page.getByRole("menuitemradio", { name: "Dark" }).click();
    await eventually("the page is dark", async () => (await brightness(page)) < 128);
    await page.reload();
    await trawl.complete();
    assert.ok((await brightness(page)) < 128);
  },
);

/** How bright the background of the list is, from 0 to 255. */
function brightness(page) {
  return page.locator(".event-grid").evaluate((grid) => {
    const [red, green, blue] = getComputedStyle(grid)
      .backgroundColor.match(/[\d.]+/g)
      .map(Number);
    return (red + green + blue) / 3;
  });
}
