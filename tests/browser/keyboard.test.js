import assert from "node:assert/strict";
import { eventually } from "./support/eventually.js";
import { scenario } from "./support/scenario.js";
import { simulatedEvents } from "./support/sharedServers.js";

scenario(
  "the whole way without a mouse",
  { server: simulatedEvents },
  async ({ server, page, trawl }) => {
    const { keyboard } = page;
    await trawl.open({ q: "*" });
    await trawl.complete();
    await keyboard.press("/");
    await focusIs(page, "the query", () => document.activeElement.ariaLabel === "Query");
    await keyboard.press("Control+a");
    await keyboard.type("level:>=warn");
    await keyboard.press("Enter");
    assert.equal(await trawl.total(), await server.count("level:>=warn"));

    await keyboard.press("Escape");
    await keyboard.press("l");
    await focusIs(page, "the list", () => document.activeElement.role === "grid");
    assert.ok(await isFocusVisible(page), "the list shows its focus");
    await keyboard.press("ArrowDown");
    await keyboard.press("ArrowDown");
    await keyboard.press("j");
    await keyboard.press("k");
    await eventually(
      "the third row is the active one",
      async () => (await activeIndex(trawl)) === 2,
    );
    await keyboard.press("PageDown");
    await eventually("the active row is a page below", async () => (await activeIndex(trawl)) > 5);
    await keyboard.press("PageUp");
    await eventually("the active row is back", async () => (await activeIndex(trawl)) === 2);

    await keyboard.press("Enter");
    await trawl.drawer.waitFor();
    const message = (await trawl.rows()).find((row) => row.index === 2).cells[1];
    await trawl.drawer.locator(".field-value", { hasText: message }).waitFor();
    await keyboard.press("ArrowDown");
    await trawl.drawer.getByText("event 4", { exact: true }).waitFor();
    await keyboard.press("Escape");
    await trawl.drawer.waitFor({ state: "detached" });
    await focusIs(page, "the list", () => document.activeElement.role === "grid");

    await keyboard.press("?");
    const help = page.getByRole("dialog", { name: /help/i });
    await help.waitFor();
    await keyboard.press("Escape");
    await help.waitFor({ state: "detached" });
    await keyboard.press("[");
    await eventually("the query before is back", () => trawl.view().q === "*");
    await keyboard.press("t");
    await eventually("it is the live tail", () => page.url().includes("tail=1"));
    await keyboard.press("t");
    await eventually("it is the search", () => !page.url().includes("tail=1"));
  },
);

scenario(
  "Tab reaches everything on the page, and shows where it is",
  { server: simulatedEvents },
  async (the) => {
    const { page, trawl } = the;
    await trawl.open({ q: "*" });
    await trawl.complete();
    await trawl.openRow(0);
    const reached = new Set();
    const unseen = [];
    for (let presses = 0; presses < 150; presses += 1) {
      await page.keyboard.press("Tab");
      const name = await nameOfFocus(page);
      if (reached.has(name)) {
        break;
      }
      reached.add(name);
      if (name && !(await isFocusVisible(page))) {
        unseen.push(name);
      }
    }
    assert.deepEqual(unseen, [], "all that have the focus show it");
    const wanted = [
      /^Search$/,
      /^Time range/,
      /Live tail/,
      /^Help$/,
      /^Menu$/,
      /Wrap lines/,
      /Columns/,
      /^Events$/,
      /^Close event$/,
    ];
    const names = [...reached].map((name) => name.replace(/ @\d+$/, ""));
    assert.deepEqual(
      wanted.filter((name) => !names.some((each) => name.test(each))),
      [],
      names.join(" · "),
    );
  },
);

scenario(
  "arrow keys in the editor lead through earlier queries",
  { server: simulatedEvents },
  async (the) => {
    const { page, trawl } = the;
    await trawl.open({ q: "" });
    await trawl.ask("heartbeat");
    await trawl.complete();
    await trawl.ask("timeout");
    await trawl.complete();
    await trawl.type("unfinished");
    await page.keyboard.press("ArrowUp");
    await page.keyboard.press("ArrowUp");
    await eventually(
      "an earlier one is there",
      async () => (await trawl.editor.textContent()) === "heartbeat",
    );
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("ArrowDown");
    await eventually(
      "what was typed is back",
      async () => (await trawl.editor.textContent()) === "unfinished",
    );
  },
);

function focusIs(page, what, holds) {
  return eventually(`the focus is on ${what}`, () => page.evaluate(holds));
}

async function activeIndex(trawl) {
  const id = await trawl.grid.getAttribute("aria-activedescendant");
  const index = id && (await trawl.page.locator(`[id="${id}"]`).getAttribute("data-index"));
  return index === null ? null : Number(index);
}

/** What the focused element is called, with its place in the page to tell those of one name apart. */
function nameOfFocus(page) {
  return page.evaluate(() => {
    const element = document.activeElement;
    if (element === document.body) {
      return "";
    }
    const place = [...document.querySelectorAll("*")].indexOf(element);
    const name =
      element.ariaLabel ?? element.labels?.[0]?.textContent ?? element.textContent.trim();
    return `${name.slice(0, 60)} @${place}`;
  });
}

/** Whether the focused element, or what is around it, looks otherwise than without the focus. */
function isFocusVisible(page) {
  return page.evaluate(() => {
    const element = document.activeElement;
    const around = [
      element,
      element.parentElement,
      element.parentElement?.parentElement,
      element.closest(".query-field"),
    ];
    const look = () =>
      around
        .filter((each) => each)
        .map((each) => {
          const { outlineStyle, outlineWidth, outlineColor, boxShadow, borderColor } =
            getComputedStyle(each);
          const outline =
            outlineStyle === "none" ? "none" : `${outlineStyle} ${outlineWidth} ${outlineColor}`;
          return `${outline} ${boxShadow} ${borderColor}`;
        })
        .join();
    const focused = look();
    element.blur();
    const blurred = look();
    element.focus({ preventScroll: true, focusVisible: true });
    return focused !== blurred;
  });
}
