import { describe, expect, it } from "vitest";
import type { Histogram } from "../api/types";
import { shapeHistogram, stack } from "./shape";

const at = (minute: number) => `2026-03-02T10:0${minute}:00Z`;
const ms = (minute: number) => Date.parse(at(minute));

const histogram: Histogram = {
  interval_ms: 60_000,
  by: "level",
  complete: true,
  buckets: [
    { start: at(1), count: 3, by: { info: 2, error: 1 } },
    { start: at(4), count: 5, by: { "": 4, fatal: 1 } },
  ],
};

describe("a histogram", () => {
  it("covers the whole range, empty buckets too", () => {
    const bars = shapeHistogram(histogram, { from: ms(0), to: ms(6) });
    expect(bars.starts).toEqual([0, 1, 2, 3, 4, 5].map(ms));
    expect(bars.totals).toEqual([0, 3, 0, 0, 5, 0]);
    expect(bars.total).toBe(8);
  });
  it("begins and ends with its events when the range is open", () => {
    const bars = shapeHistogram(histogram, { from: null, to: ms(9) });
    expect(bars.starts).toEqual([1, 2, 3, 4].map(ms));
  });
  it("puts grave levels at the bottom", () => {
    const bars = shapeHistogram(histogram, { from: null, to: ms(9) });
    expect(bars.layers.map((layer) => layer.label)).toEqual(["fatal", "error", "info", "no level"]);
    expect(stack(bars)).toEqual([
      [3, 0, 0, 5],
      [3, 0, 0, 1],
      [1, 0, 0, 1],
      [0, 0, 0, 1],
    ]);
  });
  it("orders other values by how frequent they are, the rest last", () => {
    const buckets = [{ start: at(1), count: 9, by: { "…": 5, a: 1, b: 2, "": 1 } }];
    const bars = shapeHistogram(
      { ...histogram, by: "service", buckets },
      { from: null, to: ms(2) },
    );
    expect(bars.layers.map((layer) => layer.label)).toEqual(["b", "a", "others", "no service"]);
  });
  it("without a field has one layer", () => {
    const bars = shapeHistogram({ ...histogram, by: null }, { from: null, to: ms(9) });
    expect(bars.layers).toHaveLength(1);
    expect(bars.layers[0]?.counts).toEqual([3, 0, 0, 5]);
  });
  it("without events still has its range", () => {
    const bars = shapeHistogram({ ...histogram, buckets: [] }, { from: ms(0), to: ms(2) });
    expect(bars.totals).toEqual([0, 0]);
    expect(stack(bars)).toEqual([]);
  });
  it("does not fill in a range that is far too long", () => {
    const bars = shapeHistogram(histogram, { from: 0, to: ms(6) });
    expect(bars.starts).toEqual([ms(1), ms(4)]);
  });
});
