import { describe, expect, it } from "vitest";
import { START_VIEW, searchOf, type ViewState, viewOf } from "./state";

describe("the address", () => {
  it("is empty at the start, where no query runs", () => {
    expect(searchOf(START_VIEW)).toBe("");
    expect(viewOf("").query).toBeNull();
  });
  it("tells the empty query from none", () => {
    expect(viewOf("?q=").query).toBe("");
    expect(searchOf({ ...START_VIEW, query: "" })).toBe("?q=");
  });
  it("gives every view back", () => {
    const views: Partial<ViewState>[] = [
      { query: 'level:>=warn "a & b" | top 5 x', from: "-15m", to: "-5m" },
      { query: "a+b%20ü", from: "2026-03-02T10:00:00Z", to: "2026-03-02T11:00:00Z", order: "asc" },
      { query: "", columns: ["http.status", "a,b", "message"], wrap: true, by: "service" },
      { query: "x", zone: "Europe/Berlin", tail: true, at: "2026-03-02T10:00:00.5Z", event: "1a" },
      { query: "x", by: "" },
    ];
    for (const part of views) {
      const view = { ...START_VIEW, ...part };
      expect(viewOf(searchOf(view))).toEqual(view);
    }
  });
  it("falls back where it makes no sense", () => {
    expect(viewOf("?q=x&order=up&tz=Mars/Base&wrap=yes&col=&from=")).toEqual({
      ...START_VIEW,
      query: "x",
    });
  });
});
