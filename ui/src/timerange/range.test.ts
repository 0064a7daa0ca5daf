import { describe, expect, it } from "vitest";
import { describeRange, formatTime } from "./format";
import { offsetMs, parseEnd, resolveRange } from "./range";

describe("an end of a range as it was typed", () => {
  it("may be an offset", () => {
    for (const typed of ["-15m", "now-15m", "now - 15 m", "15m", "15m ago"]) {
      expect(parseEnd(typed, "UTC")).toBe("-15m");
    }
    expect(parseEnd("now", "UTC")).toBe("now");
  });
  it("may be a time with its zone", () => {
    expect(parseEnd("2026-03-02T10:00:00Z", "local")).toBe("2026-03-02T10:00:00.000Z");
    expect(parseEnd("2026-03-02 10:00+02:00", "UTC")).toBe("2026-03-02T08:00:00.000Z");
    expect(parseEnd("1772445600", "UTC")).toBe("2026-03-02T10:00:00.000Z");
    expect(parseEnd("1772445600000", "UTC")).toBe("2026-03-02T10:00:00.000Z");
  });
  it("may be a time of the zone that is shown, also where summer time begins", () => {
    expect(parseEnd("2026-03-02", "UTC")).toBe("2026-03-02T00:00:00.000Z");
    expect(parseEnd("2026-03-02 10:00", "Europe/Berlin")).toBe("2026-03-02T09:00:00.000Z");
    expect(parseEnd("2026-03-29 12:00:30.5", "Europe/Berlin")).toBe("2026-03-29T10:00:30.500Z");
    expect(parseEnd("2026-07-02 10:00", "America/New_York")).toBe("2026-07-02T14:00:00.000Z");
  });
  it("is refused when it is neither", () => {
    for (const typed of ["", "yesterday", "2026-13-40", "-15", "10:00", "15x"]) {
      expect(parseEnd(typed, "UTC")).toBeNull();
    }
  });
});

it("resolves offsets against now", () => {
  expect(offsetMs("-2h")).toBe(-7_200_000);
  expect(resolveRange({ from: "-1m", to: null }, 100_000)).toEqual({ from: 40_000, to: 100_000 });
  expect(resolveRange({ from: null, to: "now" }, 5)).toEqual({ from: null, to: 5 });
});

it("shows times on the clocks of a zone", () => {
  const time = Date.parse("2026-03-02T10:00:06.370Z");
  expect(formatTime(time, "UTC")).toBe("2026-03-02 10:00:06.370");
  expect(formatTime(time, "Asia/Kolkata")).toBe("2026-03-02 15:30:06.370");
});

it("puts ranges in words", () => {
  expect(describeRange({ from: "-15m", to: null }, "UTC")).toBe("Last 15 minutes");
  expect(describeRange({ from: "-3h", to: "now" }, "UTC")).toBe("Last 3 hours");
  expect(describeRange({ from: "-3h", to: "-1h" }, "UTC")).toBe("3h ago – 1h ago");
  expect(describeRange({ from: "2026-03-02T10:00:00.000Z", to: null }, "UTC")).toBe(
    "2026-03-02 10:00 – now",
  );
});
