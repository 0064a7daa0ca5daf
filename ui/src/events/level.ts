import { JsonNumber, type JsonValue } from "../json/value";

export type Level = "trace" | "debug" | "info" | "warn" | "error" | "fatal";

/** Every level, the least grave first. */
export const LEVELS: readonly Level[] = ["trace", "debug", "info", "warn", "error", "fatal"];

/** Three letters for each, so that colour is never all there is to tell them apart. */
export const LEVEL_BADGES: Record<Level, string> = {
  trace: "TRC",
  debug: "DBG",
  info: "INF",
  warn: "WRN",
  error: "ERR",
  fatal: "FTL",
};

const SPELLINGS: Record<string, Level> = {
  trace: "trace",
  verbose: "trace",
  finest: "trace",
  debug: "debug",
  fine: "debug",
  info: "info",
  information: "info",
  notice: "info",
  warn: "warn",
  warning: "warn",
  error: "error",
  err: "error",
  severe: "error",
  fatal: "fatal",
  critical: "fatal",
  crit: "fatal",
  alert: "fatal",
  emerg: "fatal",
  emergency: "fatal",
  panic: "fatal",
};

/** The rank of a level as it was sent: a name, a syslog severity (0–7) or an OpenTelemetry number (8–24). */
export function levelOf(value: JsonValue | undefined): Level | null {
  if (typeof value !== "string" && !(value instanceof JsonNumber)) {
    return null;
  }
  const text = String(value).trim().toLowerCase();
  return SPELLINGS[text] ?? (/^[+-]?\d{1,9}$/.test(text) ? ofNumber(Number(text)) : null);
}

function ofNumber(number: number): Level | null {
  if (number < 0 || number > 24) {
    return null;
  }
  if (number <= 8) {
    const syslog: Level[] = [
      "fatal",
      "fatal",
      "fatal",
      "error",
      "warn",
      "info",
      "info",
      "debug",
      "debug",
    ];
    return syslog[number] ?? null;
  }
  const families: Level[] = ["info", "warn", "error", "fatal"];
  return families[Math.floor((number - 9) / 4)] ?? null;
}
