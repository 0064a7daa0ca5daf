import assert from "node:assert/strict";
import { eventually } from "./support/eventually.js";
import { scenario } from "./support/scenario.js";
import { simulatedEvents } from "./support/sharedServers.js";

scenario(
  "a wrong query is underlined where it is wrong, and told when it is asked",
  { server: simulatedEvents },
  async (the) => {
    const { server, page, trawl } = the;
    const wrong = "checkout level:>=loud";
    const answer = await fetch(`${server.url}/v1/queries/parse`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ query: wrong }),
    });
    const { error } = await answer.json();

    await trawl.open({ q: "*" });
    const whole = await trawl.total();
    await trawl.type(wrong);
    const underlined = page.locator(".cm-lintRange-error");
    await underlined.waitFor();
    const column = error.detail.column;
    const mistake = [...wrong].slice(column - 1).join("");
    await eventually(
      "all of the mistake is underlined",
      async () => (await underlined.allTextContents()).join() === mistake,
    );
    await underlined.hover();
    await page.locator(".cm-tooltip-lint").getByText("this is no level").waitFor();

    await page.keyboard.press("Enter");
    const told = page.getByRole("alert");
    await told.getByText(error.message).waitFor();
    assert.match(await told.textContent(), new RegExp(`column ${column}\\b`), "with its column");
    await eventually(
      "it failed",
      async () => (await trawl.state.allTextContents()).join() === "Failed",
    );

    await trawl.ask("*");
    assert.equal(await trawl.total(), whole);
    assert.equal(await page.getByRole("alert").count(), 0);
  },
);

scenario(
  "an unknown pipe, an unclosed quote and an unknown column are told too",
  { server: simulatedEvents },
  async (the) => {
    const { page, trawl } = the;
    for (const wrong of ["* | count by x", '"open', "* | stats count() | sort nothing", "(a"]) {
      await trawl.open({ q: wrong });
      await page
        .getByRole("alert")
        .getByText(/^The search failed: column \d+: /)
        .waitFor();
      assert.equal(await trawl.editor.textContent(), wrong);
    }
  },
);
