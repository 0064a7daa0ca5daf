import { JsonNumber, type JsonValue } from "../json/value";

const RFC_3339 = /^(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d)(?:\.(\d{1,9})\d*)?([Zz]|[+-]\d\d:?\d\d)$/;

/** A moment: milliseconds since the epoch, and the nanoseconds within that millisecond. */
export interface Moment {
  ms: number;
  nanos: number;
}

/** The moment a timestamp as it was sent stands for: RFC 3339, or an epoch in s, ms, µs or ns, told apart by size. */
export function momentOf(value: JsonValue | undefined): Moment | null {
  if (value instanceof JsonNumber) {
    return momentOfEpoch(value.text);
  }
  if (typeof value !== "string") {
    return null;
  }
  const match = RFC_3339.exec(value.trim());
  if (!match) {
    return /^-?\d+(\.\d+)?$/.test(value.trim()) ? momentOfEpoch(value.trim()) : null;
  }
  const [, date, time, fraction = "", zone = "Z"] = match;
  const seconds = Date.parse(`${date}T${time}${zone.toUpperCase()}`);
  const nanos = Number(fraction.padEnd(9, "0"));
  return Number.isNaN(seconds)
    ? null
    : { ms: seconds + Math.floor(nanos / 1e6), nanos: nanos % 1e6 };
}

function momentOfEpoch(text: string): Moment | null {
  const number = Number(text);
  const size = Math.abs(number);
  if (!Number.isFinite(number)) {
    return null;
  }
  if (size < 1e11) {
    return { ms: Math.floor(number * 1000), nanos: 0 };
  }
  if (size < 1e14) {
    return { ms: Math.floor(number), nanos: 0 };
  }
  if (!/^-?\d+$/.test(text)) {
    return { ms: Math.floor(number / (size < 1e17 ? 1e3 : 1e6)), nanos: 0 };
  }
  const nanos = BigInt(text) * (size < 1e17 ? 1000n : 1n);
  const ms = nanos / 1_000_000n;
  return { ms: Number(ms), nanos: Number(nanos - ms * 1_000_000n) };
}

/** As RFC 3339 in UTC, with as many digits as it has. */
export function rfc3339(moment: Moment): string {
  const text = new Date(moment.ms).toISOString();
  return moment.nanos === 0
    ? text
    : `${text.slice(0, -1)}${String(moment.nanos).padStart(6, "0").replace(/0+$/, "")}Z`;
}
