import assert from "node:assert/strict";
import { eventually } from "./support/eventually.js";
import { scenario } from "./support/scenario.js";
import { manyEvents } from "./support/sharedServers.js";

const ODD = 'Größe "XL" \\ 日本 🐟 (neu) | a:b';

scenario(
  "a value of an opened event filters in and out, and becomes a column",
  { server: manyEvents },
  async (the) => {
    const { server, page, trawl } = the;
    await trawl.open({ q: "level:>=warn" });
    await trawl.rowsWhere("rows are there", (rows) => rows.length > 10);
    const whole = await trawl.total();
    await trawl.openRow(2);
    const service = (await trawl.rows()).find((row) => row.index === 2).cells[0];

    await trawl.drawer
      .getByRole("button", { name: `Only service ${service}`, exact: true })
      .click();
    await eventually("the query has the filter", () => trawl.view().q !== "level:>=warn");
    await trawl.rowsWhere("rows are of that service", (rows) =>
      rows.every((row) => row.cells[0] === service),
    );
    const inside = await trawl.total();
    assert.equal(inside, await server.count(`level:>=warn service:="${service}"`));
    assert.equal(await trawl.editor.textContent(), trawl.view().q);

    await trawl.stepBack();
    await eventually("all are counted again", async () => (await trawl.total()) === whole);
    await trawl.openRow(2);
    await trawl.drawer
      .getByRole("button", { name: `Without service ${service}`, exact: true })
      .click();
    await eventually("the query has the filter", () => trawl.view().q !== "level:>=warn");
    await trawl.rowsWhere("rows are of others", (rows) =>
      rows.every((row) => row.cells[0] !== service),
    );
    assert.equal(await trawl.total(), whole - inside);

    await trawl.openRow(0);
    await trawl.drawer.getByRole("button", { name: "Add column level" }).click();
    await page.getByRole("columnheader", { name: "level", exact: true }).waitFor();
    assert.deepEqual(new URL(page.url()).searchParams.getAll("col"), [
      "service",
      "level",
      "message",
    ]);
    await trawl.drawer.getByRole("button", { name: "Remove column level" }).click();
    await page
      .getByRole("columnheader", { name: "level", exact: true })
      .waitFor({ state: "detached" });
  },
);

scenario(
  "a value of a facet filters in and out",
  { server: manyEvents },
  async ({ server, trawl }) => {
    await trawl.open({ q: "*" });
    const whole = await trawl.total();
    const { values } = await server.get("/v1/fields/service/values?limit=10");
    const { value, count } = values[3];
    await trawl.facets
      .getByRole("button", { name: new RegExp(`^Only service ${value}\\s`) })
      .click();
    await eventually("the query has the filter", () => trawl.view().q.includes(value));
    await trawl.rowsWhere("rows are of that service", (rows) =>
      rows.every((row) => row.cells[0] === value),
    );
    assert.equal(await trawl.total(), count);

    await trawl.stepBack();
    await eventually("all are counted again", async () => (await trawl.total()) === whole);
    await trawl.facets
      .getByRole("button", { name: `Without service ${value}`, exact: true })
      .click();
    await eventually("the query has the filter", () => trawl.view().q.includes(value));
    assert.equal(await trawl.total(), whole - count);
  },
);

scenario("a value of a cell filters", { server: manyEvents }, async ({ server, trawl }) => {
  await trawl.open({ q: "level:>=error" });
  const [{ cells }] = await trawl.rowsWhere("rows are there", (rows) => rows.length > 10);
  const cell = trawl.row(0).getByRole("gridcell").nth(2);
  await cell.hover();
  await cell.getByRole("button", { name: `Only service ${cells[0]}` }).click();
  await eventually("the query has the filter", () => trawl.view().q !== "level:>=error");
  assert.equal(await trawl.total(), await server.count(`level:>=error service:="${cells[0]}"`));
});

scenario(
  "values with quotes, spaces and letters of the world filter",
  {},
  async ({ server, page, trawl }) => {
    const values = [ODD, `${ODD} other`, "two\nlines", "*", "C:\\path\\", " edge "];
    await server.post(
      values.flatMap((value, index) =>
        ["first", "second"].map((word) => ({
          message: `${word} ${index}`,
          note: value,
          deep: { "dotted.name": [{ value }] },
        })),
      ),
    );
    for (const [index, value] of values.entries()) {
      const field = index % 2 === 0 ? "note" : "deep.dotted.name.value";
      const start = `"first ${index}"`;
      await trawl.open({ q: start });
      await trawl.openRow(0);
      await labelled(trawl.drawer, `Only ${field} ${value}`).click();
      await eventually("the query has the filter", () => trawl.view().q !== start);
      assert.equal(await trawl.total(), 1, trawl.view().q);
      const alone = trawl.view().q.replace(start, "");
      assert.equal(await server.count(alone), 2, `${alone} finds both`);

      await page.goBack();
      await eventually("the query is as before", () => trawl.view().q === start);
      await trawl.openRow(0);
      await labelled(trawl.drawer, `Without ${field} ${value}`).click();
      await eventually("the query has the filter", () => trawl.view().q !== start);
      assert.equal(await trawl.total(), 0, trawl.view().q);
      const others = trawl.view().q.replace(start, "");
      assert.equal(
        await server.count(others),
        2 * (values.length - 1),
        `${others} finds the others`,
      );
    }
  },
);

/** The button of this very label: roles know labels only with their white space folded. */
function labelled(part, label) {
  const text = label.replace(/["\\]/g, "\\$&").replace(/\n/g, "\\a ");
  return part.locator(`button[aria-label="${text}"]`);
}
