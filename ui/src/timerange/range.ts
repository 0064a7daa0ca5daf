// Time ranges as people write them and as the API takes them.

export interface TimeRange {
  /** RFC 3339, an offset such as `-15m`, or null: open. */
  from: string | null;
  to: string | null;
}

export interface Preset {
  label: string;
  range: TimeRange;
}

export const DEFAULT_RANGE: TimeRange = { from: "-1h", to: null };

export const PRESETS: readonly Preset[] = [
  { label: "Last 5 minutes", range: { from: "-5m", to: null } },
  { label: "Last 15 minutes", range: { from: "-15m", to: null } },
  { label: "Last hour", range: { from: "-1h", to: null } },
  { label: "Last 4 hours", range: { from: "-4h", to: null } },
  { label: "Last 24 hours", range: { from: "-24h", to: null } },
  { label: "Last 7 days", range: { from: "-7d", to: null } },
  { label: "Last 30 days", range: { from: "-30d", to: null } },
  { label: "All time", range: { from: null, to: null } },
];

const UNIT_MS: Record<string, number> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};

/** The milliseconds of an offset such as `-15m`; null for anything else. */
export function offsetMs(text: string): number | null {
  const match = /^([+-])(\d+)(ms|s|m|h|d|w)$/.exec(text);
  if (!match) {
    return null;
  }
  const [, sign, count, unit] = match;
  return (sign === "-" ? -1 : 1) * Number(count) * (UNIT_MS[unit ?? ""] ?? 0);
}

/** The moment that one end of a range means now; null when it is open. */
export function resolveEnd(text: string | null, now: number): number | null {
  if (text === null) {
    return null;
  }
  if (text === "now") {
    return now;
  }
  const offset = offsetMs(text);
  if (offset !== null) {
    return now + offset;
  }
  const time = Date.parse(text);
  return Number.isNaN(time) ? null : time;
}

/** The bounds of a range now; an open end is now, an open beginning stays open. */
export function resolveRange(range: TimeRange, now: number): { from: number | null; to: number } {
  return { from: resolveEnd(range.from, now), to: resolveEnd(range.to, now) ?? now };
}

/**
 * One end as it was typed: an offset (`-15m`, `15m ago`, `now-15m`), `now`, an epoch in seconds or milliseconds, or a date with or
 * without a time, in `zone` when it names no other. Null when it is none of these.
 */
export function parseEnd(typed: string, zone: string): string | null {
  const text = typed.trim();
  if (text === "now") {
    return text;
  }
  const offset =
    /^(?:now)?\s*-\s*(\d+)\s*(ms|s|m|h|d|w)$/.exec(text) ??
    /^(\d+)\s*(ms|s|m|h|d|w)(?:\s+ago)?$/.exec(text);
  if (offset) {
    return `-${offset[1]}${offset[2]}`;
  }
  if (/^\d{9,10}$/.test(text)) {
    return new Date(Number(text) * 1000).toISOString();
  }
  if (/^\d{12,13}$/.test(text)) {
    return new Date(Number(text)).toISOString();
  }
  const date =
    /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d)(:\d\d(?:\.\d+)?)?)?\s*(Z|[+-]\d\d:?\d\d)?$/i.exec(text);
  if (!date) {
    return null;
  }
  const [, day, minutes = "00:00", seconds = ":00", named] = date;
  const local = `${day}T${minutes}${seconds}`;
  const time = named ? Date.parse(local + named.toUpperCase()) : wallClock(local, zone);
  return time === null || Number.isNaN(time) ? null : new Date(time).toISOString();
}

/** The moment at which clocks of `zone` show `local` (`2026-03-02T10:00:00`). */
function wallClock(local: string, zone: string): number | null {
  const asUtc = Date.parse(`${local}Z`);
  if (Number.isNaN(asUtc)) {
    return null;
  }
  let time = asUtc;
  for (let round = 0; round < 2; round += 1) {
    time = asUtc - zoneOffsetMs(time, zone);
  }
  return time;
}

/** How far clocks of `zone` are ahead of UTC at a moment. */
export function zoneOffsetMs(time: number, zone: string): number {
  if (zone === "UTC") {
    return 0;
  }
  if (zone === "local") {
    return -new Date(time).getTimezoneOffset() * 60_000;
  }
  const parts = new Intl.DateTimeFormat("en-US", {
    timeZone: zone,
    hourCycle: "h23",
    year: "numeric",
    month: "2-digit",
    day: "2-digit",
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
  }).formatToParts(time);
  const part = (type: string) => Number(parts.find((item) => item.type === type)?.value);
  const shown = Date.UTC(
    part("year"),
    part("month") - 1,
    part("day"),
    part("hour"),
    part("minute"),
    part("second"),
  );
  return shown - Math.floor(time / 1000) * 1000;
}
