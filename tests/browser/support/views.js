import { eventually } from "./eventually.js";

const RANGE = { from: "2026-03-02T09:00:00Z", to: "2026-03-02T09:30:00Z", tz: "UTC" };

/** Shows results of simulated events. */
export async function showResults({ trawl }) {
  await trawl.open({ q: "order level:>=info", ...RANGE });
  await trawl.rowsWhere("rows are there", (rows) => rows.length > 5);
  await trawl.complete();
}

/** The views of the page, `[name, show]`, each of which begins where the one before ended. */
export const VIEWS = [
  [
    "start page",
    async ({ page, trawl }) => {
      await trawl.open();
      await page.getByText(/events stored/).waitFor();
    },
  ],
  ["results", showResults],
  ["opened event", ({ trawl }) => trawl.openRow(0)],
  [
    "context",
    async ({ page, trawl }) => {
      await trawl.drawer.getByRole("button", { name: "Show context" }).click();
      await page.locator(".is-anchor").waitFor();
    },
  ],
  [
    "columns",
    async ({ page, trawl }) => {
      await close(page, page.getByRole("dialog", { name: "Context" }));
      await trawl.drawer.getByRole("button", { name: "Close event" }).click();
      await page.getByRole("button", { name: "Columns" }).click();
      await page.locator(".picker-item", { hasText: "http.status" }).waitFor();
    },
  ],
  [
    "time range",
    async ({ page }) => {
      await close(page, page.locator(".picker"));
      await page.getByRole("button", { name: /^Time range/ }).click();
      await page.getByRole("button", { name: "Last hour" }).waitFor();
    },
  ],
  [
    "menu",
    async ({ page }) => {
      await close(page, page.locator(".range-popup"));
      await page.getByRole("button", { name: "Menu" }).click();
      await page.getByRole("menu").waitFor();
    },
  ],
  [
    "help",
    async ({ page }) => {
      await close(page, page.getByRole("menu"));
      await page.getByRole("button", { name: "Help" }).click();
      await page.getByRole("dialog", { name: /help/i }).waitFor();
    },
  ],
  [
    "table",
    async ({ page, trawl }) => {
      await close(page, page.getByRole("dialog", { name: /help/i }));
      await trawl.ask("* | stats count(), avg(http.latency_ms) by service");
      await page.locator(".data-table tbody tr").first().waitFor();
    },
  ],
  [
    "chart over time",
    async ({ page, trawl }) => {
      await trawl.ask("* | timechart 1m by level");
      await page.locator(".line-chart canvas").waitFor();
    },
  ],
  [
    "wrong query",
    async ({ page, trawl }) => {
      await trawl.ask("level:>=loud");
      await page.getByRole("alert").first().waitFor();
      await page.locator(".cm-lintRange-error").waitFor();
    },
  ],
  [
    "nothing found",
    async ({ page, trawl }) => {
      await trawl.ask("unheardof");
      await page.getByRole("heading", { name: "No events found" }).waitFor();
    },
  ],
  [
    "live tail",
    async ({ server, trawl }) => {
      await trawl.open({ q: "answer", tail: "1" });
      await eventually("rows are there", async () => {
        await server.post([
          { service: "checkout", level: "error", message: "no answer from payments" },
        ]);
        return (await trawl.rows()).length > 3;
      });
    },
  ],
];

async function close(page, part) {
  await page.keyboard.press("Escape");
  await part.waitFor({ state: "detached" });
}
