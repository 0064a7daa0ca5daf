import assert from "node:assert/strict";
import { eventually } from "./support/eventually.js";
import { scenario } from "./support/scenario.js";

/** Nothing of it can be looked up, and its states are too many to keep: long texts take it minutes. */
const SLOW = "/(\\pL{1,50}.{0,50}){4}\\pN$/";
const EVENTS = 3_000;
/** The next search takes a fraction of a second by itself. */
const SOON_MS = 10_000;

scenario(
  "a search that runs is cancelled, and does not hold up the next",
  {},
  async ({ server, visit, page, trawl }) => {
    await server.pushLines(longTexts());
    await startSlowSearch(page, trawl);
    await page.getByRole("button", { name: "Cancel search" }).click();
    await stateIs(trawl, "Cancelled");
    const deleted = deletions(visit);
    assert.equal(deleted.length, 1);
    assert.equal((await server.get(new URL(deleted[0]).pathname)).status, "cancelled");
    await page.getByRole("button", { name: "Search", exact: true }).waitFor();

    await trawl.ask("level:>=warn");
    await stateIs(trawl, "Complete", SOON_MS);
  },
);

scenario("a search that nobody looks at any more is cancelled", {}, async (the) => {
  const { server, visit, page, trawl } = the;
  await server.pushLines(longTexts());
  await startSlowSearch(page, trawl);
  await trawl.ask("level:>=warn");
  await eventually("the first is cancelled", () => deletions(visit).length === 1);
  const { pathname } = new URL(deletions(visit)[0]);
  await eventually(
    "the server has taken it",
    async () => (await server.get(pathname)).status === "cancelled",
  );
});

/** Resolves when the server has taken the search. */
async function startSlowSearch(page, trawl) {
  const started = page.waitForResponse(/\/v1\/searches$/);
  await trawl.open({ q: SLOW });
  assert.equal((await started).status(), 202);
  await page.getByRole("button", { name: "Cancel search" }).waitFor();
}

function stateIs(trawl, word, timeoutMs) {
  return eventually(
    `the search for ${trawl.view().q} is ${word}`,
    async () => (await trawl.state.allTextContents()).join() === word,
    timeoutMs,
  );
}

/** The addresses of the searches that the page cancelled. */
function deletions(visit) {
  return visit.requests
    .filter((line) => /^DELETE .*\/v1\/searches\/[0-9a-f]{32}$/.test(line))
    .map((line) => line.split(" ")[1]);
}

function longTexts() {
  const text = "all work and no play makes long texts without any digits ".repeat(35);
  const line = (number) =>
    JSON.stringify({ level: number % 9 ? "info" : "warn", message: text, number });
  return Array.from({ length: EVENTS }, (_, number) => line(number)).join("\n");
}
