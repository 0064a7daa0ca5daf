import { describe, expect, it } from "vitest";
import { ApiError } from "./errors";
import { explain, messageOf, waitWords } from "./explain";

const limit = (code: string, detail: object, retryAfterMs: number | null = null) =>
  new ApiError(429, code, "as the server said it", detail, retryAfterMs);

describe("a refusal", () => {
  it("tells the limit that is reached", () => {
    const rate = { limit: 1200, unit: "requests a second with this key", retry_after_seconds: 3 };
    expect(messageOf(limit("rate_limited", rate, 3000))).toBe(
      "the limit of 1,200 requests a second with this key is used up; try again in 3 s",
    );
    expect(explain(limit("too_many_searches", { limit: 4, used: 5 }))).toBe(
      "5 searches run, and 4 may at once",
    );
    expect(explain(limit("scan_limit_reached", { limit: 5e10, used: 51e9 }))).toBe(
      "searches have read 51.0 GB today, and the limit is 50.0 GB a day",
    );
  });
  it("tells the scope that is missing", () => {
    const byMessage = new ApiError(
      403,
      "forbidden",
      "this needs the scope search, and ann has ingest",
    );
    expect(messageOf(byMessage)).toBe(
      "this needs the scope search, which your key or sign-in lacks",
    );
    const byDetail = new ApiError(403, "forbidden", "no", { scope: "admin" });
    expect(explain(byDetail)).toMatch(/the scope admin,/);
    expect(explain(new ApiError(403, "foreign_site", "from here only"))).toBe("from here only");
  });
  it("is told in the server's words where there are no numbers", () => {
    expect(explain(limit("rate_limited", {}))).toBe("as the server said it");
    expect(explain(limit("unheard_of", { limit: 1 }))).toBe("as the server said it");
    expect(explain("what")).toBe("what");
  });
  it("tells once when to try again", () => {
    const told = new ApiError(429, "x", "used up: try again in 5 s", null, 5000);
    expect(messageOf(told)).toBe("used up: try again in 5 s");
  });
});

it("tells how long a wait is", () => {
  const waits = [0, 900, 59_000, 60_000, 61_000, 3_600_000, 12_000_000].map(waitWords);
  expect(waits).toEqual(["0 s", "1 s", "59 s", "1 min", "2 min", "1 h", "3 h 20 min"]);
});
