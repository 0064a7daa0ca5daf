// The fixed words of the language and what its numbers may be.

export const FUNCTIONS = ["count", "count_distinct", "sum", "avg", "min", "max"] as const;
export const PERCENTILES = ["p50", "p90", "p95", "p99"] as const;
export const DURATIONS = ["10s", "30s", "1m", "5m", "15m", "1h", "6h", "1d", "1w"] as const;
/** The ranks of levels, lowest first, under the names that the language gives them. */
export const LEVELS = ["trace", "debug", "info", "warn", "error", "fatal"] as const;
/** Names under which a level may be sent; their values are compared by rank. */
export const LEVEL_FIELDS = ["level", "severity", "lvl", "log.level"] as const;
/** Words that mean something of their own where a term may stand. */
export const KEYWORDS = ["AND", "OR", "NOT", "TO"] as const;

/** Most events or rows that `limit` or `top` may ask for. */
const MAX_COUNT = 10_000_000n;
/** Units of a duration, in nanoseconds. */
const UNITS: Record<string, bigint> = {
  ms: 1_000_000n,
  s: 1_000_000_000n,
  m: 60_000_000_000n,
  h: 3_600_000_000_000n,
  d: 86_400_000_000_000n,
  w: 604_800_000_000_000n,
};
/** A bucket's width in nanoseconds has 63 bits. */
const MAX_WIDTH_NS = (1n << 63n) - 1n;

/** The text with the letters A to Z in lower case, and no others. */
export function lowerAscii(text: string): string {
  return text.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
}

/** Whether there is such a function; `name` in lower case. Percentiles are at most 100, in hundredths. */
export function isFunction(name: string): boolean {
  if ((FUNCTIONS as readonly string[]).includes(name)) return true;
  const percentile = /^p([0-9]{1,3})(?:\.([0-9]{1,2}))?$/.exec(name);
  return percentile !== null && Number(`${percentile[1]}.${percentile[2] ?? "0"}`) <= 100;
}

/** Whether `limit` or `top` can ask for so many. */
export function isCount(word: string): boolean {
  if (!/^[0-9]+$/.test(word)) return false;
  const count = BigInt(word);
  return count >= 1n && count <= MAX_COUNT;
}

/** Whether a bucket of `timechart` can be so wide. */
export function isDuration(word: string): boolean {
  const parts = /^([0-9]+)([a-z]+)$/.exec(word);
  const unit = UNITS[parts?.[2] ?? ""];
  if (!parts || unit === undefined) return false;
  const width = BigInt(parts[1] ?? "0") * unit;
  return width > 0n && width <= MAX_WIDTH_NS;
}
