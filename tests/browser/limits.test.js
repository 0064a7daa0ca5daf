import assert from "node:assert/strict";
import { eventually } from "./support/eventually.js";
import { scenario } from "./support/scenario.js";
import { Server } from "./support/server.js";

/** More than a search brings at first. */
const MANY = 2_500;

const many = () =>
  Array.from({ length: MANY }, (_, n) => ({
    service: n % 2 ? "checkout" : "payments",
    message: `event number ${n}`,
  }));

async function limited() {
  const server = await Server.start(["--limit", "scanned_bytes_per_day=1"]);
  await server.post(many());
  await server.settle();
  return server;
}

scenario(
  "a limit that is used up is told, with when it is free again",
  { own: limited },
  async ({ server, page, trawl }) => {
    await trawl.open({ q: "event" });
    await trawl.complete();
    // What a search has read is counted just after it is complete.
    await eventually("the limit is used up", async () => {
      const answer = await fetch(`${server.url}/v1/searches`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ query: "event" }),
      });
      return answer.status === 429;
    });
    await page.getByRole("button", { name: "Search", exact: true }).click();
    const told = page.getByRole("alert");
    await told
      .getByText(/^A limit is reached: searches have read .* today, and the limit is 1 B a day/)
      .waitFor();
    assert.match(await told.getByRole("timer").textContent(), /^Try again in .*(h|min|s)/);
    await told.getByRole("button", { name: "Try again" }).click();
    await told.getByText(/^A limit is reached/).waitFor();
  },
);

scenario(
  "a search whose events were deleted meanwhile says so, and searches again",
  {
    own: async () => {
      const server = await Server.start();
      await server.post(many());
      return server;
    },
  },
  async ({ server, page, trawl }) => {
    await trawl.open({ q: "event" });
    await trawl.complete();
    const answer = await fetch(`${server.url}/v1/deletions`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ query: "service:payments", reason: "a test" }),
    });
    assert.equal(answer.status, 202, await answer.text());

    await trawl.grid.focus();
    await page.keyboard.press("End");
    const told = page.locator(".banner", { hasText: "events were deleted" });
    await told.waitFor();
    await told.getByRole("button", { name: "Search again" }).click();
    await told.waitFor({ state: "detached" });
    await eventually("only the others are found", async () => (await trawl.total()) === MANY / 2);
  },
);
