// Where the tokens of a text end that is not complete yet.

import { CHAR, isBorder } from "../characters";

/** Where the bare token at `at` ends. */
export function endOfBare(text: string, at: number, stop: number | null): number {
  let end = at;
  while (end < text.length) {
    const unit = text.charCodeAt(end);
    if (isBorder(unit) || unit === CHAR.quote || unit === stop) break;
    end += unit === CHAR.backslash ? 2 : 1;
  }
  return Math.min(end, text.length);
}

/** Where the quoted text at `at` ends, after its closing quote; null when it is not closed. */
export function endOfQuote(text: string, at: number): number | null {
  const quoted = /^"(?:[^"\\]|\\["\\]|\\(?!["\\]))*"/s.exec(text.slice(at));
  return quoted ? at + quoted[0].length : null;
}
