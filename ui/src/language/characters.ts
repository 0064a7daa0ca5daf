// What the characters of a query are, for the tokens and for what is written into a query.

const SPACE = /\p{White_Space}/u;
const WORD = /[\p{Alphabetic}\p{N}_]/u;
const PIPE_WORD = /[\p{Alphabetic}\p{N}_.]/u;

/** Code units that mean something, and what an input gives at its end. */
export const CHAR = {
  quote: 34,
  open: 40,
  close: 41,
  star: 42,
  comma: 44,
  minus: 45,
  slash: 47,
  colon: 58,
  less: 60,
  equals: 61,
  greater: 62,
  openRange: 91,
  backslash: 92,
  closeRange: 93,
  bar: 124,
  end: -1,
} as const;

/** Whether a code unit is white space; no white space lies beyond the basic plane. */
export function isSpace(unit: number): boolean {
  if (unit < 128) return unit === 32 || (unit >= 9 && unit <= 13);
  return SPACE.test(String.fromCharCode(unit));
}

/** Whether a character belongs to a word: a letter, a digit or `_`, in the whole of Unicode. */
export function isWord(character: string): boolean {
  return WORD.test(character);
}

/** Whether a character belongs to the name of a pipe or function, a number or a duration. */
export function isPipeWord(codePoint: number): boolean {
  return codePoint >= 0 && PIPE_WORD.test(String.fromCodePoint(codePoint));
}

/** Whether a token may end before this code unit: white space, a bracket, a pipe or the end. */
export function isBorder(unit: number): boolean {
  return unit === CHAR.end || unit === CHAR.open || unit === CHAR.close || unit === CHAR.bar || isSpace(unit);
}
