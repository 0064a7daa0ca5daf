import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { run, TRAWL } from "./programs.js";

/** A `trawl local` of its own, with its data in a new directory. */
export class Server {
  #child;
  #address = "127.0.0.1:0";
  #data;
  #args = [];
  /** What requests go with, where the server asks who one is. */
  bearer = null;
  /** Other origins that its page may send the browser to. */
  origins = [];

  /** Further arguments are those of `trawl local`. */
  static async start(args = []) {
    const server = new Server();
    server.#args = args;
    server.#data = await mkdtemp(join(tmpdir(), "trawl-browser-"));
    await server.startAgain();
    return server;
  }

  /** The directory of its data. */
  get data() {
    return this.#data;
  }

  get url() {
    return `http://${this.#address}`;
  }

  /** Starts on the same data; after the first time also on the same port. */
  async startAgain() {
    const args = ["local", "--data", this.#data, "--listen", this.#address, ...this.#args];
    this.#child = spawn(TRAWL, args, { stdio: ["ignore", "ignore", "pipe"] });
    const said = [];
    const ended = once(this.#child, "exit").then(() => {
      throw new Error(`trawl local ended:\n${said.join("\n")}`);
    });
    const listening = new Promise((resolve) => {
      createInterface({ input: this.#child.stderr }).on("line", (line) => {
        said.push(line);
        const found = /listening on http:\/\/([0-9.:]+)/.exec(line);
        if (found) {
          resolve(found[1]);
        }
      });
    });
    ended.catch(() => {
      // Told to those who wait for the start; later it is meant to end.
    });
    this.#address = await Promise.race([listening, ended]);
  }

  /** Ends it at once, as a crash would. */
  async kill() {
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      const gone = once(this.#child, "exit");
      this.#child.kill("SIGKILL");
      await gone;
    }
  }

  async stop() {
    await this.kill();
    await rm(this.#data, { recursive: true, force: true });
  }

  /** Sends files of events. */
  async pushFiles(files) {
    await run(TRAWL, ["push", "--url", this.url, ...files]);
  }

  /** Sends lines of JSON. */
  async pushLines(lines) {
    await run(TRAWL, ["push", "--url", this.url, "-"], lines);
  }

  /** Sends a few events; resolves when they are acknowledged. */
  async post(events) {
    const body = events.map((event) => JSON.stringify(event)).join("\n");
    const headers = this.bearer ? { authorization: `Bearer ${this.bearer}` } : {};
    const answer = await fetch(`${this.url}/v1/events`, { method: "POST", headers, body });
    if (answer.status !== 202) {
      throw new Error(`the server answered ${answer.status}: ${await answer.text()}`);
    }
  }

  /** Persists and compacts everything now, so that nothing of it goes on in the background. */
  async settle() {
    await run(TRAWL, ["compact", "--url", this.url]);
  }

  async get(path) {
    const answer = await fetch(this.url + path);
    if (!answer.ok) {
      throw new Error(`GET ${path} answered ${answer.status}: ${await answer.text()}`);
    }
    return answer.json();
  }

  /** The events of a search, page by page past its limit until there are `most`, and its last answer. */
  async search(request, most = Number.POSITIVE_INFINITY) {
    const started = await fetch(`${this.url}/v1/searches`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(request),
    });
    const { id } = await started.json();
    const events = [];
    let cursor = null;
    for (;;) {
      const parameters = new URLSearchParams({ wait: "10s", ...(cursor && { cursor }) });
      const answer = await this.get(`/v1/searches/${id}?${parameters}`);
      events.push(...answer.events);
      const next = answer.next_cursor === cursor ? null : answer.next_cursor;
      const over = answer.status !== "running";
      if (events.length >= most || (over && !next && !answer.more_cursor)) {
        return { events, answer };
      }
      cursor = next ?? answer.more_cursor ?? cursor;
    }
  }

  /** How many events match. */
  async count(query, range = {}) {
    const { answer } = await this.search({ query: `${query} | stats count()`, ...range });
    return answer.aggregates.rows[0][0];
  }
}
