import { readFileSync } from "node:fs";

/** The events in a file of NDJSON, and the other arguments of this program. */
export function input() {
  const [file, ...others] = process.argv.slice(2);
  const lines = readFileSync(file, "utf8").split("\n").filter(Boolean);
  return { events: lines.map((line) => JSON.parse(line)), others };
}
