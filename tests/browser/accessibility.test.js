import assert from "node:assert/strict";
import { graveViolations } from "./support/accessibility.js";
import { scenario } from "./support/scenario.js";
import { simulatedEvents } from "./support/sharedServers.js";
import { VIEWS } from "./support/views.js";

const LOOKS = {
  light: { colorScheme: "light" },
  dark: { colorScheme: "dark" },
  narrow: { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true },
};

for (const [look, options] of Object.entries(LOOKS)) {
  scenario(
    `no grave violation of accessibility, ${look}`,
    { server: simulatedEvents, ...options },
    async (the) => {
      const found = [];
      for (const [name, show] of VIEWS) {
        await show(the);
        found.push(
          ...(await graveViolations(the.page)).map((violation) => `${name}: ${violation}`),
        );
      }
      assert.deepEqual(found, []);
    },
  );
}
