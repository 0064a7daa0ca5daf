import { PRESETS, type TimeRange, zoneOffsetMs } from "./range";

/** `2026-03-02 10:00:06.370` on clocks of `zone`. */
export function formatTime(ms: number, zone: string): string {
  const offset = cachedOffset(ms, zone);
  const shifted = new Date(ms + offset);
  return Number.isNaN(shifted.getTime())
    ? "—"
    : shifted.toISOString().slice(0, 23).replace("T", " ");
}

/** A time without the parts that are zero at its end: for labels of ranges and axes. */
export function formatShort(ms: number, zone: string): string {
  return formatTime(ms, zone)
    .replace(/\.000$/, "")
    .replace(/^(\S+ \d\d:\d\d):00$/, "$1");
}

let lastOffset: { hour: number; zone: string; offset: number } | null = null;

/** Offsets change on full quarters of an hour at most; lists ask for many times in a row. */
function cachedOffset(ms: number, zone: string): number {
  const hour = Math.floor(ms / 900_000);
  if (lastOffset?.hour !== hour || lastOffset.zone !== zone) {
    lastOffset = { hour, zone, offset: zoneOffsetMs(ms, zone) };
  }
  return lastOffset.offset;
}

const UNIT_NAMES: Record<string, string> = {
  ms: "millisecond",
  s: "second",
  m: "minute",
  h: "hour",
  d: "day",
  w: "week",
};

/** A range in words. */
export function describeRange(range: TimeRange, zone: string): string {
  const preset = PRESETS.find(
    (item) =>
      item.range.from === range.from && item.range.to === (range.to === "now" ? null : range.to),
  );
  if (preset) {
    return preset.label;
  }
  const last = /^-(\d+)(ms|s|m|h|d|w)$/.exec(range.from ?? "");
  if (last && (range.to === null || range.to === "now")) {
    const unit = UNIT_NAMES[last[2] ?? ""] ?? "";
    return `Last ${last[1]} ${unit}${last[1] === "1" ? "" : "s"}`;
  }
  const end = (text: string | null, open: string) => {
    if (text === null || text === "now") {
      return open;
    }
    const time = Date.parse(text);
    return Number.isNaN(time) ? text.replace(/^-(.*)$/, "$1 ago") : formatShort(time, zone);
  };
  return `${end(range.from, "the beginning")} – ${end(range.to, "now")}`;
}

/** What a zone is called on screen. */
export function zoneName(zone: string): string {
  if (zone !== "local") {
    return zone;
  }
  return Intl.DateTimeFormat().resolvedOptions().timeZone || "Local";
}
