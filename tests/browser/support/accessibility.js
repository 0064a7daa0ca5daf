import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const GRAVE = new Set(["serious", "critical"]);

/** What is gravely wrong with the page for those who use it by other means, in words. */
export async function graveViolations(page) {
  const { violations } = await page.evaluate(
    `${AXE}; axe.run(document, { resultTypes: ["violations"] })`,
  );
  return violations
    .filter((violation) => GRAVE.has(violation.impact))
    .flatMap(({ id, nodes }) =>
      nodes.slice(0, 3).map(({ target, failureSummary }) => {
        const [, reason] = failureSummary.split("\n");
        return `${id} at ${target.join(" ")}: ${reason?.trim()}`;
      }),
    );
}
