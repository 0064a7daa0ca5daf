import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { after } from "node:test";
import { simulatedLines } from "./events.js";
import { ROOT } from "./programs.js";
import { Server } from "./server.js";

/** Real logs beside the checkout; where they are absent, simulated ones stand in. */
const SHARED = join(ROOT, "../shared/data");
const REAL = /^(loghub_.*|kafka|zeek_dns_ssl|windows_atomic)\.ndjson\.zst$/;

/** At 20 a second from their start on. */
const SIMULATED_COUNT = 40_000;

/** A word that thousands of the many events hold. */
export const commonWord = existsSync(SHARED) ? "user" : "order";

/** One server for every test that only reads. */
function shared(fill) {
  let starting = null;
  after(async () => (await starting)?.stop());
  return () => {
    starting ??= (async () => {
      const server = await Server.start();
      await fill(server);
      await server.settle();
      return server;
    })();
    return starting;
  };
}

/** A server that is there already, for measuring on its data. */
class Given {
  url = process.env.TRAWL_URL;

  async get(path) {
    return (await fetch(this.url + path)).json();
  }
}

/** Many events of many kinds, of several years, or those of the server that TRAWL_URL names. */
export const manyEvents = process.env.TRAWL_URL
  ? async () => new Given()
  : shared(async (server) => {
      if (existsSync(SHARED)) {
        const files = readdirSync(SHARED).filter((name) => REAL.test(name));
        await server.pushFiles(files.map((name) => join(SHARED, name)));
      } else {
        await server.pushLines(await simulatedLines(180_000, { rate: 100 }));
      }
    });

/** Events of five made-up services, evenly spread over half an hour. */
export const simulatedEvents = shared(async (server) => {
  await server.pushLines(await simulatedLines(SIMULATED_COUNT));
});
