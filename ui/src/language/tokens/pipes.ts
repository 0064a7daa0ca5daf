import { ExternalTokenizer, type InputStream, type Stack } from "@lezer/lr";

import { CHAR, isSpace } from "../characters";
import * as terms from "../generated/parser.terms";
import { isCount, isDuration, isFunction, lowerAscii } from "../vocabulary";
import { acceptRest, bare, pipeWord, quoted } from "./scan";

const PIPES = new Map([
  ["stats", terms.statsName],
  ["timechart", terms.timechartName],
  ["top", terms.topName],
  ["fields", terms.fieldsName],
  ["sort", terms.sortName],
  ["limit", terms.limitName],
  ["head", terms.limitName],
]);

/** The tokens after the first `|`. */
export const pipeTokens = new ExternalTokenizer(
  (input, stack) => {
    if (atWord(input, stack, terms.As, "as") || atWord(input, stack, terms.By, "by")) return;
    const termOf = wordsHere(input, stack);
    if (termOf !== null) {
      const word = pipeWord(input);
      const term = word === "" ? null : termOf(word);
      if (term !== null && stack.canShift(term)) input.acceptToken(term, word.length);
    } else if (stack.canShift(terms.sortMinus) && input.next === CHAR.minus) {
      input.acceptToken(terms.sortMinus, 1);
    } else if (stack.canShift(terms.Name)) {
      nameToken(input, stack);
    }
  },
  { contextual: true },
);

/** Which words may stand here, by their terms; null where none of them may. */
function wordsHere(input: InputStream, stack: Stack): ((word: string) => number | null) | null {
  if (stack.canShift(terms.limitName)) return (word) => PIPES.get(lowerAscii(word)) ?? null;
  if (stack.canShift(terms.countFunction)) return functionTerm;
  if (stack.canShift(terms.Duration)) return (word) => (isDuration(word) ? terms.Duration : null);
  if (stack.canShift(terms.Order)) return orderTerm;
  // `top` may go without a count: only a digit begins one there.
  const isCountPlace = stack.canShift(terms.Count) && (!stack.canShift(terms.Name) || isDigit(input.next));
  return isCountPlace ? (word) => (isCount(word) ? terms.Count : null) : null;
}

function functionTerm(word: string): number | null {
  const name = lowerAscii(word);
  // `count` alone may do without a field.
  if (name === "count") return terms.countFunction;
  return isFunction(name) ? terms._function : null;
}

function orderTerm(word: string): number | null {
  const order = lowerAscii(word);
  return order === "asc" || order === "desc" ? terms.Order : null;
}

/** A field's name, bare or quoted; before `(` it names a column of the table by its function. */
function nameToken(input: InputStream, stack: Stack): void {
  let length: number;
  if (input.next === CHAR.quote) {
    const end = quoted(input);
    if (end === null) return acceptRest(input, terms.unclosedQuote);
    const isEmpty = end === 2;
    if (isEmpty) return;
    length = end;
  } else {
    const text = bare(input, CHAR.comma);
    if (text.dangling) return input.acceptToken(terms.dangling, text.length);
    if (text.length === 0 || text.stars > 0) return;
    length = text.length;
  }
  const isCalled = input.peek(length) === CHAR.open && stack.canShift(terms.columnFunction);
  input.acceptToken(isCalled ? terms.columnFunction : terms.Name, length);
}

/** Takes `keyword`, in any case, if it comes next as a whole token and may stand here. */
function atWord(input: InputStream, stack: Stack, term: number, keyword: string): boolean {
  if (!stack.canShift(term)) return false;
  let word = "";
  for (let at = 0; at < keyword.length; at += 1) word += String.fromCharCode(Math.max(input.peek(at), 0));
  const after = input.peek(keyword.length);
  const isWhole = after === CHAR.end || after === CHAR.bar || after === CHAR.quote || isSpace(after);
  if (lowerAscii(word) !== keyword || !isWhole) return false;
  input.acceptToken(term, keyword.length);
  return true;
}

function isDigit(unit: number): boolean {
  return unit >= 48 && unit <= 57;
}
