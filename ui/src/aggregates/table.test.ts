import { describe, expect, it } from "vitest";
import { JsonNumber } from "../json/value";
import { chartOf, linesOf, numberColumns, sortRows } from "./table";

const number = (text: string) => new JsonNumber(text);

describe("the rows of a table", () => {
  const rows = [
    ["b", number("2")],
    ["a", number("10")],
    [null, null],
    ["c", "text"],
  ];
  it("sort by value, what is null last in either direction", () => {
    const names = (descending: boolean) =>
      sortRows(rows, { column: 1, descending }).map((row) => row[0]);
    expect(names(false)).toEqual(["b", "a", "c", null]);
    expect(names(true)).toEqual(["c", "a", "b", null]);
  });
  it("stay as they came without a sorting", () => expect(sortRows(rows, null)).toBe(rows));
});

describe("the lines of a table over time", () => {
  const table = {
    columns: ["timestamp", "service", "count()", "p99(x)"],
    rows: [
      ["2026-03-02T10:00:00Z", "a", number("1"), number("5")],
      ["2026-03-02T10:00:00Z", "b", number("2"), number("6")],
      ["2026-03-02T10:05:00Z", "a", number("3"), null],
    ],
  };
  it("are one for each group, with gaps", () => {
    expect(numberColumns(table)).toEqual([2, 3]);
    const { times, lines } = linesOf(table, 2);
    expect(times).toHaveLength(2);
    expect(lines).toEqual([
      { label: "a", values: [1, 3] },
      { label: "b", values: [2, null] },
    ]);
  });
  it("are named after the value without groups", () => {
    const { lines } = linesOf(
      { columns: ["timestamp", "count()"], rows: [["2026-03-02T10:00:00Z", number("4")]] },
      1,
    );
    expect(lines).toEqual([{ label: "count()", values: [4] }]);
  });
});

it("chooses the chart by the pipe", () => {
  expect(chartOf("x | timechart 5m")).toBe("line");
  expect(chartOf("x | stats count()")).toBe("bars");
});
