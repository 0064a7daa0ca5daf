// Finds where the parts of a JSON text begin and end without parsing them, so that each event can be
// kept exactly as it was sent. Works on UTF-8 bytes: what structures JSON is ASCII.

const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const BACKSLASH = 0x5c;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

/** A part of a text: from `start` up to, not including, `end`. */
export interface Span {
  start: number;
  end: number;
}

const utf8 = new TextDecoder();

export class ScanError extends Error {}

/** The members of the object that `bytes` holds: for each key where its value stands. */
export function objectMembers(bytes: Uint8Array): Map<string, Span> {
  const members = new Map<string, Span>();
  let at = expect(bytes, skipSpace(bytes, 0), OPEN_OBJECT);
  at = skipSpace(bytes, at);
  if (bytes[at] === CLOSE_OBJECT) {
    return members;
  }
  for (;;) {
    const keyStart = skipSpace(bytes, at);
    const keyEnd = skipValue(bytes, keyStart);
    const key = JSON.parse(utf8.decode(bytes.subarray(keyStart, keyEnd))) as string;
    const start = skipSpace(bytes, expect(bytes, skipSpace(bytes, keyEnd), COLON));
    const end = skipValue(bytes, start);
    members.set(key, { start, end });
    at = skipSpace(bytes, end);
    if (bytes[at] === CLOSE_OBJECT) {
      return members;
    }
    at = expect(bytes, at, COMMA);
  }
}

/** The elements of the array that begins at `from`, as pairs start, end, start, end … */
export function arrayElements(bytes: Uint8Array, from = 0): Uint32Array {
  const bounds: number[] = [];
  let at = expect(bytes, skipSpace(bytes, from), OPEN_ARRAY);
  at = skipSpace(bytes, at);
  if (bytes[at] === CLOSE_ARRAY) {
    return new Uint32Array(0);
  }
  for (;;) {
    const start = skipSpace(bytes, at);
    const end = skipValue(bytes, start);
    bounds.push(start, end);
    at = skipSpace(bytes, end);
    if (bytes[at] === CLOSE_ARRAY) {
      return Uint32Array.from(bounds);
    }
    at = expect(bytes, at, COMMA);
  }
}

/** The text of a span. */
export function textOf(bytes: Uint8Array, span: Span): string {
  return utf8.decode(bytes.subarray(span.start, span.end));
}

function expect(bytes: Uint8Array, at: number, byte: number): number {
  if (bytes[at] !== byte) {
    throw new ScanError(`unexpected byte at ${at} of the answer`);
  }
  return at + 1;
}

function skipSpace(bytes: Uint8Array, from: number): number {
  let at = from;
  for (;;) {
    const byte = bytes[at];
    if (byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09) {
      at += 1;
    } else {
      return at;
    }
  }
}

function skipString(bytes: Uint8Array, from: number): number {
  let at = from + 1;
  for (;;) {
    const close = bytes.indexOf(QUOTE, at);
    if (close < 0) {
      throw new ScanError("the answer ends inside a string");
    }
    let backslashes = 0;
    while (bytes[close - 1 - backslashes] === BACKSLASH) {
      backslashes += 1;
    }
    at = close + 1;
    if (backslashes % 2 === 0) {
      return at;
    }
  }
}

function skipValue(bytes: Uint8Array, from: number): number {
  const first = bytes[from];
  if (first === QUOTE) {
    return skipString(bytes, from);
  }
  if (first === OPEN_OBJECT || first === OPEN_ARRAY) {
    return skipNested(bytes, from);
  }
  let at = from;
  while (at < bytes.length && !endsScalar(bytes[at] as number)) {
    at += 1;
  }
  if (at === from) {
    throw new ScanError(`a value is missing at ${from} of the answer`);
  }
  return at;
}

function skipNested(bytes: Uint8Array, from: number): number {
  let depth = 0;
  let at = from;
  while (at < bytes.length) {
    const byte = bytes[at];
    if (byte === QUOTE) {
      at = skipString(bytes, at);
      continue;
    }
    at += 1;
    if (byte === OPEN_OBJECT || byte === OPEN_ARRAY) {
      depth += 1;
    } else if (byte === CLOSE_OBJECT || byte === CLOSE_ARRAY) {
      depth -= 1;
      if (depth === 0) {
        return at;
      }
    }
  }
  throw new ScanError("the answer ends inside a value");
}

function endsScalar(byte: number): boolean {
  return byte === COMMA || byte === CLOSE_ARRAY || byte === CLOSE_OBJECT || byte <= 0x20;
}
