import { setTimeout as pause } from "node:timers/promises";

const BETWEEN_MS = 25;

/** Asks `look` again and again until it gives something true, which is returned. */
export async function eventually(what, look, timeoutMs = 120_000) {
  const end = Date.now() + timeoutMs;
  for (;;) {
    const found = await look();
    if (found) {
      return found;
    }
    if (Date.now() > end) {
      throw new Error(`did not happen within ${timeoutMs / 1000} s: ${what}`);
    }
    await pause(BETWEEN_MS);
  }
}
