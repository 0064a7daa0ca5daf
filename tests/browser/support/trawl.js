import { eventually } from "./eventually.js";

/** The page as a person uses it. */
export class Trawl {
  constructor(page, origin) {
    this.page = page;
    this.origin = origin;
    this.editor = page.getByRole("textbox", { name: "Query" });
    this.grid = page.getByRole("grid", { name: "Events", exact: true });
    this.histogram = page.getByRole("region", { name: "Histogram", exact: true });
    this.facets = page.getByRole("region", { name: "Facets" });
    this.drawer = page.getByRole("dialog", { name: "Event", exact: true });
    this.state = page.locator(".status-text [role=status]");
    this.summary = page.locator(".list-summary");
  }

  /** Opens a view by its address. */
  async open(view = {}) {
    const parameters = new URLSearchParams(view);
    await this.page.goto(`${this.origin}/${parameters.size > 0 ? `?${parameters}` : ""}`);
    await this.page.locator(".cm-editor").waitFor();
  }

  /** The query of the address, and the ends of its time range. */
  view() {
    const parameters = new URL(this.page.url()).searchParams;
    return Object.fromEntries(["q", "from", "to"].map((name) => [name, parameters.get(name)]));
  }

  /** Puts a query into the editor in place of what is there. */
  async type(query) {
    await this.editor.click();
    await this.page.keyboard.press("Control+a");
    await this.page.keyboard.press("Delete");
    await this.page.keyboard.type(query);
  }

  /** Searches for a query, whatever completions are offered. */
  async ask(query) {
    await this.type(query);
    await this.page.keyboard.press("Control+Enter");
    await eventually(`the address has the query ${query}`, () => this.view().q === query);
  }

  async chooseRange(label) {
    await this.page.getByRole("button", { name: /^Time range/ }).click();
    await this.page.getByRole("button", { name: label, exact: true }).click();
  }

  /** Waits until the search of the query in the address is over. */
  async complete() {
    // What was asked for just now is drawn in a task of its own; until then the page tells of the search before.
    await this.page.evaluate(
      () => new Promise((done) => requestAnimationFrame(() => setTimeout(done))),
    );
    await eventually("the search is complete", async () => {
      const [state, ...others] = await this.state.allTextContents();
      return state === "Complete" && others.length === 0;
    });
  }

  /** The number in the line above the list, once the search is complete. */
  async total() {
    await this.complete();
    const text = await eventually("the number of events is there", async () => {
      const summary = await this.summary.textContent();
      return /^[\d,\s\u202f]+ events?$/.test(summary) && summary;
    });
    return Number(text.replace(/\D/g, ""));
  }

  /** The rows that are on the page now, from the top: `{ index, level, time, cells }`. */
  rows(grid = this.grid) {
    return grid.locator("[role=row][data-index]").evaluateAll((rows) =>
      rows
        .map((row) => {
          const [level, time, ...cells] = [...row.children].map((cell) => cell.textContent);
          return { index: Number(row.dataset.index), level, time, cells };
        })
        .sort((a, b) => a.index - b.index),
    );
  }

  /** Waits until rows are there for which `holds` is true, and gives them. */
  rowsWhere(what, holds, grid = this.grid) {
    return eventually(what, async () => {
      const rows = await this.rows(grid);
      return rows.length > 0 && holds(rows) && rows;
    });
  }

  row(index, grid = this.grid) {
    return grid.locator(`[role=row][data-index="${index}"]`);
  }

  async openRow(index) {
    await this.row(index).click();
    await this.drawer.waitFor();
  }

  async stepBack() {
    await this.page.getByRole("button", { name: "Step back" }).click();
  }
}
