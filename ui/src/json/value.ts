// JSON values that keep what JavaScript's own would lose: how a number is spelled, and keys that occur twice.

/** A number as it was spelled. */
export class JsonNumber {
  /** By this mark other parts know numbers that keep their spelling. */
  readonly isLosslessNumber = true;
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
  toString(): string {
    return this.text;
  }
  valueOf(): number {
    return Number(this.text);
  }
}

export type JsonScalar = string | JsonNumber | boolean | null;
export type JsonValue = JsonScalar | JsonValue[] | JsonObject;

/** An object: its members in the order they were sent. */
export class JsonObject {
  readonly entries: [key: string, value: JsonValue][];
  constructor(entries: [string, JsonValue][]) {
    this.entries = entries;
  }
  get(key: string): JsonValue | undefined {
    return this.entries.find(([name]) => name === key)?.[1];
  }
}

export function isScalar(value: JsonValue): value is JsonScalar {
  return !(value instanceof JsonObject) && !Array.isArray(value);
}

/** A scalar as text for people: strings without quotes. */
export function scalarText(value: JsonScalar): string {
  return typeof value === "string" ? value : value === null ? "null" : String(value);
}

/** Any value as text for people: strings without quotes, everything else as compact JSON. */
export function displayText(value: JsonValue): string {
  return isScalar(value) ? scalarText(value) : stringify(value);
}

/** A value as JSON; numbers as they were spelled. `indent` spaces a level, or all in one line. */
export function stringify(value: JsonValue, indent = 0, depth = 0): string {
  if (value instanceof JsonNumber) {
    return value.text;
  }
  if (value === null || typeof value !== "object") {
    return JSON.stringify(value);
  }
  const parts = Array.isArray(value)
    ? value.map((item) => stringify(item, indent, depth + 1))
    : value.entries.map(
        ([key, item]) =>
          `${JSON.stringify(key)}:${indent ? " " : ""}${stringify(item, indent, depth + 1)}`,
      );
  const [open, close] = Array.isArray(value) ? ["[", "]"] : ["{", "}"];
  if (!indent || parts.length === 0) {
    return open + parts.join(",") + close;
  }
  const inner = `\n${" ".repeat(indent * (depth + 1))}`;
  const end = `\n${" ".repeat(indent * depth)}`;
  return [open, inner, parts.join(`,${inner}`), end, close].join("");
}
