import { expect, it } from "vitest";
import { labels } from "./axis";

const at = (time: string) => Date.parse(time) / 1000;

it("says the day where it changes, and seconds where they matter", () => {
  expect(
    labels(
      [at("2026-03-02T22:00:00Z"), at("2026-03-02T23:00:00Z"), at("2026-03-03T00:00:00Z")],
      "UTC",
    ),
  ).toEqual(["03-02 22:00", "23:00", "03-03 00:00"]);
  expect(labels([at("2026-03-02T10:00:00Z"), at("2026-03-02T10:00:10Z")], "Asia/Kolkata")).toEqual([
    "03-02 15:30:00",
    "15:30:10",
  ]);
  expect(labels([at("2026-03-02T00:00:00Z"), at("2026-03-04T00:00:00Z")], "UTC")).toEqual([
    "03-02",
    "03-04",
  ]);
});
