import { eventually } from "./eventually.js";

const RANGE = { from: "2026-03-02T09:00:00Z", to: "2026-03-02T09:30:00Z", tz: "UTC" };

/** The views of the page, each opened and waited for, on simulated events. */
export const VIEWS = {
  async "start page"({ page, trawl }) {
    await trawl.open();
    await page.getByText(/events stored/).waitFor();
  },
  async results({ trawl }) {
    await trawl.open({ q: "order level:>=info", ...RANGE });
    await trawl.rowsWhere("rows are there", (rows) => rows.length > 5);
    await trawl.complete();
  },
  async "opened event"(the) {
    await VIEWS.results(the);
    await the.trawl.openRow(0);
  },
  async context(the) {
    await VIEWS["opened event"](the);
    await the.trawl.drawer.getByRole("button", { name: "Show context" }).click();
    await the.page.locator(".is-anchor").waitFor();
  },
  async tail({ server, trawl }) {
    await trawl.open({ q: "from", tail: "1" });
    await eventually("a row is there", async () => {
      await server.post([{ service: "checkout", level: "error", message: "no answer from payments" }]);
      return (await trawl.rows()).length > 3;
    });
  },
  async table({ page, trawl }) {
    await trawl.open({ q: "* | stats count(), avg(http.latency_ms) by service", ...RANGE });
    await page.locator(".data-table tbody tr").first().waitFor();
    await trawl.complete();
  },
  async "chart over time"({ page, trawl }) {
    await trawl.open({ q: "* | timechart 1m by level", ...RANGE });
    await page.locator(".line-chart canvas").waitFor();
    await trawl.complete();
  },
  async "wrong query"({ page, trawl }) {
    await trawl.open({ q: "level:>=loud", ...RANGE });
    await page.getByRole("alert").waitFor();
    await page.locator(".cm-lintRange-error").waitFor();
  },
  async "nothing found"({ page, trawl }) {
    await trawl.open({ q: "unheardof", ...RANGE });
    await page.getByRole("heading", { name: "No events found" }).waitFor();
  },
  async "time range"(the) {
    await VIEWS.results(the);
    await the.page.getByRole("button", { name: /^Time range/ }).click();
    await the.page.getByRole("button", { name: "Last hour" }).waitFor();
  },
  async menu(the) {
    await VIEWS.results(the);
    await the.page.getByRole("button", { name: "Menu" }).click();
    await the.page.getByRole("menu").waitFor();
  },
  async columns(the) {
    await VIEWS.results(the);
    await the.page.getByRole("button", { name: "Columns" }).click();
    await the.page.locator(".picker-item", { hasText: "http.status" }).waitFor();
  },
  async help(the) {
    await VIEWS.results(the);
    await the.page.getByRole("button", { name: "Help" }).click();
    await the.page.getByRole("dialog", { name: /help/i }).waitFor();
  },
};
