import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { simulatedEvents } from "./support/events.js";
import { scenario } from "./support/scenario.js";
import { VIEWS } from "./support/views.js";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const GRAVE = new Set(["serious", "critical"]);
const LOOKS = {
  light: { colorScheme: "light" },
  dark: { colorScheme: "dark" },
  narrow: { colorScheme: "light", viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true },
};

for (const [look, options] of Object.entries(LOOKS)) {
  scenario(`no grave violation of accessibility, ${look}`, { server: simulatedEvents, ...options }, async (the) => {
    const found = [];
    for (const [name, show] of Object.entries(VIEWS)) {
      await show(the);
      found.push(...(await graveViolations(the.page)).map((violation) => `${name}: ${violation}`));
    }
    assert.deepEqual(found, []);
  });
}

async function graveViolations(page) {
  await page.evaluate(AXE);
  const { violations } = await page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
  return violations
    .filter((violation) => GRAVE.has(violation.impact))
    .flatMap(({ id, nodes }) =>
      nodes.slice(0, 3).map((node) => `${id} at ${node.target.join(" ")}: ${node.failureSummary.split("\n")[1]?.trim()}`),
    );
}
