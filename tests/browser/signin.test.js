import assert from "node:assert/strict";
import { graveViolations } from "./support/accessibility.js";
import { eventually } from "./support/eventually.js";
import { lookForAMoment } from "./support/moment.js";
import { run, TRAWL } from "./support/programs.js";
import { IdentityProvider } from "./support/provider.js";
import { scenario } from "./support/scenario.js";
import { Server } from "./support/server.js";

/** A server that asks who one is, with a few events, and a provider that says so if there is to be one. */
async function guarded(withProvider = true) {
  const provider = await IdentityProvider.start();
  const oidc = ["--oidc-issuer", provider.issuer, "--oidc-audience", "trawl"];
  const client = withProvider ? ["--oidc-client-id", "trawl-ui"] : [];
  const server = await Server.start(["--require-key", ...oidc, ...client]);
  server.provider = provider;
  server.origins = [provider.issuer];
  server.bearer = provider.token({ scope: "trawl:ingest trawl:search trawl:admin" });
  await server.post([
    { service: "checkout", level: "error", message: "no answer from payments" },
    { service: "checkout", level: "info", message: "answer from payments" },
  ]);
  const stop = server.stop.bind(server);
  server.stop = async () => {
    await stop();
    await provider.stop();
  };
  return server;
}

const dialogOf = (page) => page.getByRole("dialog", { name: "Sign in" });
const VIEW = { q: "answer", from: "-1h", col: "message" };

scenario(
  "people sign in at the provider and come back to what they looked at",
  { own: guarded },
  async ({ server, page, trawl }) => {
    const { provider } = server;
    await trawl.open(VIEW);
    const view = page.url();
    const button = dialogOf(page).getByRole("button", { name: "Sign in" });
    await button.waitFor();
    await eventually("it is what Enter presses", () =>
      button.evaluate((element) => element === document.activeElement),
    );
    assert.deepEqual(await graveViolations(page), []);

    await page.keyboard.press("Enter");
    await bothEvents(trawl);
    assert.equal(page.url(), view);
    assert.deepEqual(provider.answered, [200]);
    const [asked] = provider.asked;
    assert.equal(asked.redirect_uri, `${server.url}/`);
    assert.match(asked.scope, /\bopenid\b/);
    assert.equal(await dialogOf(page).count(), 0);

    await page.reload();
    await bothEvents(trawl);
    assert.equal(provider.asked.length, 1);

    await page.getByRole("button", { name: "Menu" }).click();
    await page.getByRole("menuitem", { name: "Sign out" }).click();
    await button.waitFor();
    assert.equal(await page.evaluate(() => sessionStorage.length), 0);
    assert.equal(await trawl.grid.count(), 0, "what was read is gone");
  },
);

scenario(
  "a sign-in that fails says why, and can be tried again",
  { own: guarded },
  async ({ server, page, trawl }) => {
    const { provider } = server;
    await trawl.open(VIEW);
    const dialog = dialogOf(page);
    const told = dialog.getByRole("alert");
    for (const [next, reason] of [
      ["deny", /the sign-in was refused or given up \(Ann said no\)/],
      ["other-state", /not the one to the sign-in that was begun here/],
      ["other-verifier", /invalid_grant/],
    ]) {
      provider.next = next;
      await dialog.getByRole("button", { name: /^(Sign in|Try again)$/ }).click();
      await told.getByText(reason).waitFor();
      assert.equal(trawl.view().q, VIEW.q, "the address is that of the view");
    }
    assert.deepEqual(provider.answered, [400], "a code is sent only if the state is right");
    assert.deepEqual(await graveViolations(page), []);

    await dialog.getByRole("button", { name: "Try again" }).click();
    await bothEvents(trawl);
  },
);

scenario(
  "an address that pretends to come from a provider is not believed",
  { own: guarded },
  async ({ server, page }) => {
    const lure = { error: "x", error_description: "call 555 0100", state: "guessed" };
    await page.goto(`${server.url}/?${new URLSearchParams(lure)}`);
    await dialogOf(page).getByText("a sign-in that was not begun in this tab").waitFor();
    assert.equal(await page.getByText("555").count(), 0);
    assert.equal(new URL(page.url()).search, "");
    await page.goto(`${server.url}/?code=stolen&state=guessed`);
    await dialogOf(page).getByText("a sign-in that was not begun in this tab").waitFor();
    assert.deepEqual(server.provider.answered, []);
  },
);

scenario(
  "one whose token the server does not take is asked again",
  { own: guarded },
  async ({ server, page, trawl }) => {
    const { provider } = server;
    await trawl.open(VIEW);
    provider.claims = { exp: Math.floor(Date.now() / 1000) - 3_600 };
    await dialogOf(page).getByRole("button", { name: "Sign in" }).click();
    await dialogOf(page).getByText("The server does not take the sign-in").waitFor();

    provider.claims = {};
    provider.next = "opaque";
    await dialogOf(page).getByRole("button", { name: "Sign in" }).click();
    await bothEvents(trawl);
    assert.deepEqual(provider.answered, [200, 200]);
  },
);

scenario(
  "a key does as well as signing in, and all there is without a provider for people",
  { own: () => guarded(false) },
  async ({ server, page, trawl }) => {
    await trawl.open(VIEW);
    const dialog = page.getByRole("dialog", { name: "API key" });
    const field = dialog.getByLabel("Key", { exact: true });
    await field.fill("trawl_wrong");
    await field.press("Enter");
    await dialog.getByText("The server does not take the key").waitFor();
    assert.equal(await dialog.getByRole("button", { name: "Sign in" }).count(), 0);

    await field.fill(await keyOf(server, "search"));
    await field.press("Enter");
    await bothEvents(trawl);
  },
);

scenario(
  "one who does not say who it is can do so later, and is not asked again and again",
  { own: guarded },
  async ({ server, visit, page, trawl }) => {
    await page.clock.install();
    await trawl.open();
    await dialogOf(page).getByRole("button", { name: "Close" }).click();
    const later = page.getByRole("button", { name: "Say who you are" });
    await later.waitFor();
    const asked = visit.requests.filter((request) => request.endsWith("/v1/status")).length;
    await page.clock.fastForward(60_000);
    await lookForAMoment(page);
    assert.equal(await dialogOf(page).count(), 0);
    assert.equal(
      visit.requests.filter((request) => request.endsWith("/v1/status")).length,
      asked,
      "nothing is asked in between",
    );
    await later.click();
    await dialogOf(page)
      .getByLabel("Or use an API key")
      .fill(await keyOf(server, "search"));
    await page.keyboard.press("Enter");
    await page.getByText("2 events stored").waitFor();
    await page.getByText("Save a search from the menu to find it here.").waitFor();
  },
);

scenario(
  "one who may not search is told which scope it takes, and can use another key",
  { own: guarded },
  async ({ server, page, trawl }) => {
    await trawl.open(VIEW);
    const field = dialogOf(page).getByLabel("Or use an API key");
    await field.fill(await keyOf(server, "ingest"));
    await field.press("Enter");
    const told = page.getByRole("alert");
    await told.getByText("this needs the scope search, which your key or sign-in lacks").waitFor();
    await told.getByRole("button", { name: "Use another key" }).click();
    await field.fill(await keyOf(server, "search"));
    await field.press("Enter");
    await bothEvents(trawl);
  },
);

/** Waits until the events are shown, through whatever navigations that takes. */
async function bothEvents(trawl) {
  await trawl.row(1).waitFor();
  assert.equal((await trawl.rows()).length, 2);
}

/** A new key of the tenant that the events are of. */
async function keyOf(server, scope) {
  const args = ["key", "create", "--data", server.data, "--tenant", "default", "--scope", scope];
  return (await run(TRAWL, [...args, "--name", scope])).trim();
}
