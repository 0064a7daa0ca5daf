import assert from "node:assert/strict";
import { after, test } from "node:test";
import { closeBrowser, Visit } from "./browser.js";
import { Server } from "./server.js";
import { Trawl } from "./trawl.js";

/** Far beyond what the slowest takes on a machine of two cores, which is half a minute. */
const TIMEOUT_MS = 600_000;

after(closeBrowser);

/**
 * A test with a server and a page: `act({ server, page, trawl, visit })`. Without `server` it has an empty one of
 * its own, or the one that `own` starts. Further options are those of the browser's context.
 */
export function scenario(name, options, act) {
  const { server: shared, own = () => Server.start(), ...context } = options;
  test(name, { timeout: TIMEOUT_MS }, async () => {
    const server = await (shared ? shared() : own());
    const visit = await Visit.begin(context);
    try {
      const { page } = visit;
      await act({ server, visit, page, trawl: new Trawl(page, server.url) });
      assert.deepEqual(visit.faults([server.url, ...(server.origins ?? [])]), {
        uncaught: [],
        violations: [],
        foreign: [],
      });
    } catch (error) {
      await visit.report(name);
      throw error;
    } finally {
      await visit.end();
      if (!shared) {
        await server.stop();
      }
    }
  });
}
