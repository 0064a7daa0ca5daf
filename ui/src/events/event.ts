import { parseJson } from "../json/parse";
import { displayText, JsonObject, type JsonValue } from "../json/value";
import { fieldOf, leavesOf } from "./fields";
import { type Level, levelOf } from "./level";
import { type Moment, momentOf } from "./timestamp";

/** One event as lists show it. */
export interface LogEvent {
  /** The event's JSON as it was sent. */
  raw: string;
  root: JsonObject;
  moment: Moment | null;
  level: Level | null;
  message: string;
}

const SHOWN_ELSEWHERE = new Set([
  "timestamp",
  "@timestamp",
  "time",
  "ts",
  "level",
  "severity",
  "lvl",
]);

export function readEvent(raw: string): LogEvent {
  const parsed = parsedOrText(raw);
  const root = parsed instanceof JsonObject ? parsed : new JsonObject([["message", parsed]]);
  const message = fieldOf(root, "message");
  return {
    raw,
    root,
    moment: momentOf(fieldOf(root, "timestamp")),
    level: levelOf(fieldOf(root, "level")),
    message: message === undefined || message === null ? summaryOf(root) : displayText(message),
  };
}

function parsedOrText(raw: string): JsonValue {
  try {
    return parseJson(raw);
  } catch {
    return raw;
  }
}

/** One line of fields, for events without a message. */
function summaryOf(root: JsonObject): string {
  return leavesOf(root)
    .filter(([path]) => !SHOWN_ELSEWHERE.has(path))
    .map(([path, value]) => `${path}=${displayText(value)}`)
    .join(" ");
}
