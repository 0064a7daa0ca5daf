// Where words begin and end in a text.

import { isWord } from "../characters";

/** Whether a word stands directly before `at`. */
export function wordBefore(text: string, at: number): boolean {
  if (at <= 0) return false;
  const isPair = at > 1 && isLow(text.charCodeAt(at - 1));
  return isWord(isPair ? text.slice(at - 2, at) : text.charAt(at - 1));
}

/** Whether a word stands directly after `at`. */
export function wordAfter(text: string, at: number): boolean {
  const codePoint = text.codePointAt(at);
  return codePoint !== undefined && isWord(String.fromCodePoint(codePoint));
}

/** Where the word ends that stands at `at`, or `at` itself. */
export function endOfWord(text: string, at: number): number {
  const word = /[\p{Alphabetic}\p{N}_]*/uy;
  word.lastIndex = at;
  const length = word.exec(text)?.[0].length ?? 0;
  return at + length;
}

/** Where the character ends that begins at `at`: a search never goes on inside of one, which would find it again. */
export function nextCharacter(text: string, at: number): number {
  return at + ((text.codePointAt(at) ?? 0) > 0xffff ? 2 : 1);
}

/** The first and the last character of a text that is not empty. */
export function endsOf(text: string): { first: string; last: string } {
  const first = String.fromCodePoint(text.codePointAt(0) ?? 0);
  const isPair = text.length > 1 && isLow(text.charCodeAt(text.length - 1));
  return { first, last: text.slice(isPair ? -2 : -1) };
}

function isLow(unit: number): boolean {
  return unit >= 0xdc00 && unit <= 0xdfff;
}
