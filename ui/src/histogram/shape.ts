import type { Histogram } from "../api/types";
import { LEVELS } from "../events/level";

/** One layer of the stack. */
export interface Layer {
  /** The value as the API names it: "" is no value, "…" all others. */
  key: string;
  label: string;
  /** The name of its colour: `level-error`, `series-2` … */
  color: string;
  counts: number[];
  total: number;
}

export interface Bars {
  intervalMs: number;
  /** Starts of the buckets in milliseconds, without gaps. */
  starts: number[];
  totals: number[];
  layers: Layer[];
  total: number;
}

/** Buckets that are filled in between those that have events; past this the range stays as it was sent. */
const MOST_BUCKETS = 2_000;
const SERIES_COLORS = 10;
export const NO_VALUE = "";
export const OTHER_VALUES = "…";

/** Buckets without gaps over the whole range, and a layer for each value: the gravest level, or the most frequent value, first. */
export function shapeHistogram(
  histogram: Histogram,
  range: { from: number | null; to: number },
): Bars {
  const intervalMs = Math.max(1, histogram.interval_ms);
  const starts = startsOf(histogram, range, intervalMs);
  const places = new Map(starts.map((start, index) => [start, index]));
  const totals = new Array<number>(starts.length).fill(0);
  const layers = new Map<string, number[]>();
  for (const bucket of histogram.buckets) {
    const place = places.get(Date.parse(bucket.start));
    if (place === undefined) {
      continue;
    }
    totals[place] = bucket.count;
    const parts = histogram.by === null ? { [OTHER_VALUES]: bucket.count } : (bucket.by ?? {});
    for (const [key, count] of Object.entries(parts)) {
      let counts = layers.get(key);
      if (!counts) {
        counts = new Array<number>(starts.length).fill(0);
        layers.set(key, counts);
      }
      counts[place] = count;
    }
  }
  return {
    intervalMs,
    starts,
    totals,
    layers: orderedLayers(layers, histogram.by),
    total: totals.reduce((sum, count) => sum + count, 0),
  };
}

function startsOf(
  histogram: Histogram,
  range: { from: number | null; to: number },
  intervalMs: number,
): number[] {
  const sent = histogram.buckets.map((bucket) => Date.parse(bucket.start));
  const anchor = sent[0] ?? 0;
  const align = (time: number) => anchor + Math.floor((time - anchor) / intervalMs) * intervalMs;
  const first = Math.min(sent[0] ?? range.to, range.from === null ? Infinity : align(range.from));
  const end = range.from === null ? (sent.at(-1) ?? range.to) : align(range.to - 1);
  const last = Math.max(sent.at(-1) ?? first, end);
  const count = Math.floor((last - first) / intervalMs) + 1;
  if (count > MOST_BUCKETS) {
    return sent;
  }
  const grid = Array.from({ length: Math.max(0, count) }, (_, index) => first + index * intervalMs);
  const places = new Set(grid);
  return sent.every((start) => places.has(start)) ? grid : sent;
}

function orderedLayers(layers: Map<string, number[]>, by: string | null): Layer[] {
  const made = [...layers].map(([key, counts]) => ({
    key,
    label: labelOf(key, by),
    counts,
    total: counts.reduce((sum, count) => sum + count, 0),
  }));
  if (by === "level") {
    const rank = (key: string) => (LEVELS as readonly string[]).indexOf(key);
    made.sort((a, b) => rank(b.key) - rank(a.key));
    return made.map((layer) => ({
      ...layer,
      color: rank(layer.key) >= 0 ? `level-${layer.key}` : "level-none",
    }));
  }
  const isRest = (key: string) => key === NO_VALUE || key === OTHER_VALUES;
  made.sort((a, b) => Number(isRest(a.key)) - Number(isRest(b.key)) || b.total - a.total);
  return made.map((layer, index) => ({
    ...layer,
    color: by !== null && isRest(layer.key) ? "level-none" : `series-${index % SERIES_COLORS}`,
  }));
}

function labelOf(key: string, by: string | null): string {
  if (by === null) {
    return "events";
  }
  return key === NO_VALUE ? `no ${by}` : key === OTHER_VALUES ? "others" : key;
}

/** For each layer the counts with those of the layers below it: what is drawn, the top one first. */
export function stack(bars: Bars): number[][] {
  const sums: number[][] = [];
  let below = new Array<number>(bars.starts.length).fill(0);
  for (const layer of bars.layers) {
    below = below.map((sum, index) => sum + (layer.counts[index] ?? 0));
    sums.unshift(below);
  }
  return sums;
}
