import { run, TRAWL } from "./programs.js";

/** When the simulated events begin. */
export const SIMULATED_START = "2026-03-02T09:00:00Z";

/** Lines of events of made-up services: the same for the same options. */
export function simulatedLines(count, options = {}) {
  const { rate = 20, seed = 7, start = SIMULATED_START } = options;
  const args = ["simulate", "--stdout", "--seed", seed, "--start", start, "--rate", rate];
  return run(TRAWL, [...args, "--seconds", Math.ceil(count / rate)].map(String));
}
