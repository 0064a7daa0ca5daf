import assert from "node:assert/strict";
import { simulatedLines } from "./support/events.js";
import { eventually } from "./support/eventually.js";
import { lookForAMoment } from "./support/moment.js";
import { scenario } from "./support/scenario.js";

const EVENTS = 20_000;

scenario("a server that dies and comes back goes on with the result", {}, async (the) => {
  const { server, page, trawl } = the;
  await server.pushLines(await simulatedLines(EVENTS));
  const { events } = await server.search({ query: "*", limit: 1_000 });
  await trawl.open({ q: "*" });
  const shown = await trawl.rowsWhere("rows are there", (rows) => rows.length > 10);
  await trawl.complete();

  await server.kill();
  await eventually("the page says that the server is gone", async () => {
    await scrollOn(trawl);
    return (await trawl.state.textContent()) === "Server not reached, trying again";
  });
  assert.ok((await trawl.rows()).length > 10, "what was read is still shown");

  await server.startAgain();
  const again = page.getByRole("button", { name: "Run again" });
  await eventually("the page is back, or offers to run it again", async () => {
    const offered = (await again.count()) > 0;
    return offered || (await trawl.state.textContent()) === "Complete";
  });
  if ((await again.count()) > 0) {
    await again.click();
    await trawl.complete();
    await trawl.rowsWhere("the first rows are back", (rows) => rows[0].index === 0);
    assert.deepEqual((await trawl.rows()).slice(0, 10), shown.slice(0, 10));
  }
  await eventually("rows far beyond are there", async () => {
    await scrollOn(trawl);
    return (await trawl.rows()).at(-1).index > EVENTS / 2;
  });
  await trawl.rowsWhere("they are those of the same result", (rows) =>
    rows.every(({ index, cells }) => cells[1] === events[index].message),
  );
});

scenario("the live tail goes on after the server was away", {}, async ({ server, page, trawl }) => {
  await server.post([{ message: "long ago" }]);
  await trawl.open({ q: "", tail: "1" });
  const state = page.locator(".tail-bar [role=status]");
  await sendUntilShown(server, trawl, "before");
  await server.kill();
  await eventually("the page says so", async () => /not reached/.test(await state.textContent()));
  await server.startAgain();
  await eventually("it is live again", async () => (await state.textContent()) === "Live", 40_000);
  await sendUntilShown(server, trawl, "after");
});

scenario("the start page waits for a server that is away", {}, async ({ server, page, trawl }) => {
  await server.post([{ message: "kept" }]);
  await trawl.open();
  await page.getByText(/events? stored/).waitFor();
  await server.kill();
  await page.getByText(/The server does not answer/).waitFor();
  await server.startAgain();
  await page.getByText(/events? stored/).waitFor();
});

scenario("the page outlives parts that cannot be loaded, and loads them later", {}, async (the) => {
  const { server, page, trawl } = the;
  await server.post([{ message: "kept" }]);
  await trawl.open({ q: "" });
  await trawl.complete();
  await trawl.rowsWhere("the row is there", (rows) => rows.length === 1);
  await server.kill();
  const failed = page.waitForEvent("requestfailed");
  await page.getByRole("button", { name: "Help" }).click();
  await failed;
  await lookForAMoment(page);
  assert.equal((await trawl.rows()).length, 1, "the result is still shown");

  await server.startAgain();
  await eventually("the help opens at last", async () => {
    if ((await page.getByRole("dialog").count()) === 0) {
      await page.getByRole("button", { name: "Help" }).click();
    }
    return (await page.getByRole("dialog", { name: /help/i }).count()) > 0;
  });
});

function scrollOn(trawl) {
  return trawl.grid.evaluate((element) => {
    element.scrollTop += 5_000;
  });
}

async function sendUntilShown(server, trawl, word) {
  await eventually(`an event sent ${word} is shown`, async () => {
    await server.post([{ message: word }]);
    return (await trawl.rows()).some((row) => row.cells[1] === word);
  });
}
