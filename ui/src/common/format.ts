const whole = new Intl.NumberFormat("en-US");
const compact = new Intl.NumberFormat("en-US", { notation: "compact", maximumFractionDigits: 1 });

export function formatCount(count: number): string {
  return whole.format(count);
}

/** A count in little room: `12.3K`. */
export function formatCompact(count: number): string {
  return count < 10_000 ? whole.format(count) : compact.format(count);
}

const SHOWN_DIGITS = 6;

/** A number as it is spelled; of one with decimals, six digits, or as many as its whole part has. */
export function formatNumber(text: string): string {
  const value = Number(text);
  if (!Number.isFinite(value) || Number.isInteger(value)) {
    return text;
  }
  return Math.abs(value) < 10 ** SHOWN_DIGITS
    ? String(Number(value.toPrecision(SHOWN_DIGITS)))
    : value.toFixed(0);
}

const BYTE_UNITS = ["B", "kB", "MB", "GB", "TB", "PB"];

export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < BYTE_UNITS.length - 1) {
    value /= 1000;
    unit += 1;
  }
  const digits = unit === 0 || value >= 100 ? 0 : value >= 10 ? 1 : 2;
  return `${value.toFixed(digits)} ${BYTE_UNITS[unit]}`;
}

export function formatSeconds(ms: number): string {
  return ms < 100 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(ms < 10_000 ? 2 : 1)} s`;
}

/** Dollars with as many digits as it takes to see them. */
export function formatUsd(usd: number): string {
  if (usd === 0) {
    return "$0";
  }
  const digits = usd >= 1 ? 2 : Math.min(9, 1 - Math.floor(Math.log10(usd)));
  return `$${usd.toFixed(digits)}`;
}

export function formatPercent(share: number): string {
  const percent = share * 100;
  return `${percent >= 99.95 || percent < 0.05 ? Math.round(percent) : Number(percent.toFixed(1))} %`;
}

/** A length of time in its largest unit that divides it: `5m`. */
export function formatInterval(ms: number): string {
  const units: [number, string][] = [
    [604_800_000, "w"],
    [86_400_000, "d"],
    [3_600_000, "h"],
    [60_000, "m"],
    [1_000, "s"],
  ];
  const [size, name] = units.find(([unit]) => ms >= unit && ms % unit === 0) ?? [1, "ms"];
  return `${ms / size}${name}`;
}
