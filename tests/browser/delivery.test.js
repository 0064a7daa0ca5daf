import assert from "node:assert/strict";
import { scenario } from "./support/scenario.js";
import { simulatedEvents } from "./support/sharedServers.js";

const FIRST_LOAD_MOST_BYTES = 250_000;
const ASSET = /\/assets\//;

scenario(
  "pages and assets come with the headers that guard and cache them",
  { server: simulatedEvents },
  async (the) => {
    const { server, page, trawl } = the;
    const assets = new Set();
    page.on("response", (response) => {
      if (ASSET.test(response.url())) {
        assets.add(response.url());
      }
    });
    await trawl.open({ q: "*" });
    await trawl.complete();

    const start = await fetch(`${server.url}/`);
    assert.match(start.headers.get("content-type"), /^text\/html/);
    const policy = directives(start.headers.get("content-security-policy"));
    assert.deepEqual(policy["default-src"], ["'none'"]);
    assert.deepEqual(policy["script-src"], ["'self'"]);
    assert.deepEqual(policy["connect-src"], ["'self'"]);
    assert.deepEqual(policy["frame-ancestors"], ["'none'"]);
    assert.deepEqual(policy["base-uri"], ["'none'"]);
    assert.ok(!policy["style-src"].includes("'unsafe-inline'"));
    assert.equal(start.headers.get("x-content-type-options"), "nosniff");
    assert.equal(start.headers.get("cache-control"), "no-cache");
    const again = await fetch(`${server.url}/`);
    const nonce = (answer) =>
      /'nonce-([^']+)'/.exec(answer.headers.get("content-security-policy"))?.[1];
    assert.notEqual(nonce(start), nonce(again), "a nonce is used once");

    assert.ok(assets.size > 3);
    for (const url of assets) {
      for (const encoding of ["br", "gzip"]) {
        const answer = await fetch(url, { headers: { "accept-encoding": encoding } });
        assert.equal(answer.status, 200, url);
        assert.equal(answer.headers.get("content-encoding"), encoding, url);
        assert.match(answer.headers.get("cache-control"), /max-age=31536000.*immutable/, url);
        assert.equal(answer.headers.get("x-content-type-options"), "nosniff", url);
        assert.match(answer.headers.get("vary"), /accept-encoding/i, url);
        await answer.arrayBuffer();
      }
    }
    for (const path of ["/assets/none.js", "/v1/none", "/..%2f..%2fetc/passwd"]) {
      assert.equal((await fetch(server.url + path)).status, 404, path);
    }
  },
);

scenario(
  "the first rows are there after a small download",
  { server: simulatedEvents },
  async (the) => {
    const { page, trawl } = the;
    const session = await page.context().newCDPSession(page);
    await session.send("Network.enable");
    const sizes = new Map();
    const urls = new Map();
    session.on("Network.responseReceived", ({ requestId, response }) =>
      urls.set(requestId, response.url),
    );
    session.on("Network.loadingFinished", ({ requestId, encodedDataLength }) =>
      sizes.set(requestId, encodedDataLength),
    );
    await trawl.open({ q: "*" });
    await trawl.rowsWhere("rows are there", (rows) => rows.length > 10);
    const ofAnswers = (id) => /\/v1\//.test(urls.get(id));
    const sum = (ids) => ids.reduce((total, id) => total + sizes.get(id), 0);
    const pageBytes = sum([...sizes.keys()].filter((id) => !ofAnswers(id)));
    const answerBytes = sum([...sizes.keys()].filter(ofAnswers));
    console.log(
      `first load: ${pageBytes} bytes of page and assets, ${answerBytes} bytes of answers, as transferred`,
    );
    assert.ok(pageBytes > 10_000 && pageBytes < FIRST_LOAD_MOST_BYTES, `${pageBytes} bytes`);
  },
);

scenario("nothing in an event is taken for markup", {}, async ({ server, visit, page, trawl }) => {
  const markup = '<img src="http://example.invalid/x" onerror="alert(1)"><script>alert(2)</script>';
  await server.post([
    { service: markup, level: "error", message: `${markup} found`, [markup]: markup },
  ]);
  page.on("dialog", (dialog) => {
    visit.uncaught.push(`a dialog opened: ${dialog.message()}`);
    return dialog.dismiss();
  });
  await trawl.open({ q: "found" });
  await trawl.openRow(0);
  await trawl.drawer.getByText(markup, { exact: true }).first().waitFor();
  await trawl.complete();
  await trawl.facets.getByText(markup).first().waitFor();
  assert.equal(await page.locator("img[src*=example]").count(), 0);
});

/** A policy by directive. */
function directives(policy) {
  const parts = policy.split(";").map((part) => part.trim().split(/\s+/));
  return Object.fromEntries(parts.map(([name, ...values]) => [name, values]));
}
