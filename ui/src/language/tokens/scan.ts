import type { InputStream } from "@lezer/lr";

import { CHAR, isBorder, isPipeWord } from "../characters";

/** Most parts of one term between wildcards. */
const MAX_PARTS = 64;

/** A bare token ahead of the input: its end, relative to here, and what is in it. */
export interface Bare {
  length: number;
  /** Stars that were not escaped. */
  stars: number;
  onlyStars: boolean;
  tooManyParts: boolean;
  /** It ends with a backslash that takes nothing. */
  dangling: boolean;
}

/** Looks at the bare token here: up to a border, a quote or `stop`. A backslash takes the next character as it is. */
export function bare(input: InputStream, stop: number | null, from = 0): Bare {
  let at = from;
  let stars = 0;
  let others = 0;
  let parts = 0;
  let inPart = false;
  let dangling = false;
  for (;;) {
    const unit = input.peek(at);
    if (isBorder(unit) || unit === CHAR.quote || unit === stop) break;
    at += 1;
    if (unit === CHAR.star) {
      stars += 1;
      inPart = false;
      continue;
    }
    if (unit === CHAR.backslash) {
      if (input.peek(at) === CHAR.end) {
        dangling = true;
        break;
      }
      at += 1;
    }
    others += 1;
    if (!inPart) parts += 1;
    inPart = true;
  }
  const onlyStars = stars > 0 && others === 0;
  return { length: at - from, stars, onlyStars, tooManyParts: parts > MAX_PARTS, dangling };
}

/** Where the quoted text here ends, relative to here and after its closing quote; null when it is not closed. */
export function quoted(input: InputStream, from = 0): number | null {
  for (let at = from + 1; ; at += 1) {
    const unit = input.peek(at);
    if (unit === CHAR.end) return null;
    if (unit === CHAR.quote) return at + 1 - from;
    const next = unit === CHAR.backslash ? input.peek(at + 1) : null;
    if (next === CHAR.quote || next === CHAR.backslash) at += 1;
  }
}

/** Where the regex here ends, flag included; null when it is not closed. */
export function slashed(input: InputStream): number | null {
  for (let at = 1; ; at += 1) {
    const unit = input.peek(at);
    if (unit === CHAR.end) return null;
    if (unit === CHAR.slash) return input.peek(at + 1) === "i".charCodeAt(0) ? at + 2 : at + 1;
    if (unit === CHAR.backslash) at += 1;
  }
}

/** Whether `keyword` comes next as a token of its own, as in the filter. */
export function atKeyword(input: InputStream, keyword: string): boolean {
  for (let at = 0; at < keyword.length; at += 1) {
    if (input.peek(at) !== keyword.charCodeAt(at)) return false;
  }
  const after = input.peek(keyword.length);
  return isBorder(after) || after === CHAR.quote;
}

/** The letters, digits, `_` and `.` that come next; may be empty. */
export function pipeWord(input: InputStream): string {
  let word = "";
  for (;;) {
    const codePoint = codePointAt(input, word.length);
    if (!isPipeWord(codePoint)) return word;
    word += String.fromCodePoint(codePoint);
  }
}

function codePointAt(input: InputStream, at: number): number {
  const high = input.peek(at);
  if (high < 0xd800 || high > 0xdbff) return high;
  const low = input.peek(at + 1);
  return low >= 0xdc00 && low <= 0xdfff ? (high - 0xd800) * 0x400 + (low - 0xdc00) + 0x10000 : high;
}

/** Takes all that is left as one token. */
export function acceptRest(input: InputStream, term: number): void {
  let length = 0;
  while (input.peek(length) !== CHAR.end) length += 1;
  input.acceptToken(term, length);
}
