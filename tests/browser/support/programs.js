import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** The root of the repository. */
export const ROOT = fileURLToPath(new URL("../../../", import.meta.url));

/** The trawl program under test, with its UI inside. */
export const TRAWL = process.env.TRAWL_BIN || join(ROOT, "target/quick/trawl");

/** The browser: Debian's Chromium unless CHROMIUM names another. */
export const CHROMIUM = process.env.CHROMIUM || "/usr/bin/chromium";

/** Runs a program to its end with `input`; what it wrote to stdout, or an error with what it wrote to stderr. */
export async function run(program, args, input = null) {
  const child = spawn(program, args, { stdio: ["pipe", "pipe", "pipe"] });
  const [stdout, stderr] = [[], []];
  child.stdout.on("data", (part) => stdout.push(part));
  child.stderr.on("data", (part) => stderr.push(part));
  child.stdin.on("error", () => {
    // The program ended without reading everything; its status tells why.
  });
  child.stdin.end(input);
  const [status] = await once(child, "close");
  if (status !== 0) {
    throw new Error(`${program} ${args.join(" ")} ended with ${status}: ${Buffer.concat(stderr)}`);
  }
  return Buffer.concat(stdout).toString();
}

/** A program that runs until `stop` is called. */
export function background(program, args) {
  const child = spawn(program, args, { stdio: "ignore" });
  const closed = once(child, "close");
  return {
    ended: closed.then(([status]) => status),
    async stop() {
      child.kill("SIGTERM");
      await closed;
    },
  };
}
