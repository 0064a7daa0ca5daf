import { ExternalTokenizer, type InputStream, type Stack } from "@lezer/lr";

import { CHAR, isBorder } from "../characters";
import * as terms from "../generated/parser.terms";
import { acceptRest, atKeyword, bare, quoted, slashed } from "./scan";

/** How long two quotes without text are. */
const EMPTY = 2;

/** The tokens of the filter: everything before the pipes. */
export const filterTokens = new ExternalTokenizer(
  (input, stack) => {
    if (endToken(input, stack) || operatorToken(input, stack)) return;
    if (stack.canShift(terms.Operand)) operandToken(input, stack);
    else if (stack.canShift(terms.word)) itemToken(input, stack);
  },
  { contextual: true },
);

/** The tokens without text, where a term or a regex may end. */
function endToken(input: InputStream, stack: Stack): boolean {
  const afterRegex = stack.canShift(terms.endOfRegex);
  if (!afterRegex && !stack.canShift(terms.endOfTerm)) return false;
  const mayEnd = isBorder(input.next) && (afterRegex || input.next !== CHAR.open);
  if (mayEnd) input.acceptToken(afterRegex ? terms.endOfRegex : terms.endOfTerm);
  return true;
}

function operatorToken(input: InputStream, stack: Stack): boolean {
  const keyword = (term: number, text: string) => {
    if (!stack.canShift(term) || !atKeyword(input, text)) return false;
    input.acceptToken(term, text.length);
    return true;
  };
  if (keyword(terms.AndOperator, "AND") || keyword(terms.OrOperator, "OR") || keyword(terms.To, "TO")) return true;
  // Only where an item may begin: right after `field:` these are values.
  if (!stack.canShift(terms.NotOperator)) return false;
  if (keyword(terms.NotOperator, "NOT")) return true;
  if (atKeyword(input, "AND") || atKeyword(input, "OR")) return true;
  if (input.next !== CHAR.minus) return false;
  // Two in a row are refused; a term cannot end here, so what stands directly before is a minus too.
  if (input.peek(-1) !== CHAR.minus) input.acceptToken(terms.Minus, 1);
  return true;
}

/** A field's name, or a term, or the first token of another form of a value. */
function itemToken(input: InputStream, stack: Stack): void {
  const isValue = stack.canShift(terms.ExactOperator);
  switch (input.next) {
    case CHAR.quote:
      return quotedItem(input, stack);
    case CHAR.slash:
      return regexToken(input);
    case CHAR.equals:
      if (isValue) return input.acceptToken(terms.ExactOperator, 1);
      break;
    case CHAR.less:
    case CHAR.greater:
      if (isValue) return input.acceptToken(terms.CompareOperator, input.peek(1) === CHAR.equals ? 2 : 1);
      break;
    case CHAR.openRange:
      // Left to the literal of the grammar.
      if (isValue) return;
      break;
  }
  const text = bare(input, isValue ? null : CHAR.colon);
  if (text.dangling) return input.acceptToken(terms.dangling, text.length);
  if (!isValue && input.peek(text.length) === CHAR.colon) {
    if (text.length > 0 && text.stars === 0) input.acceptToken(terms.FieldName, text.length);
    return;
  }
  if (text.length === 0) return;
  if (text.tooManyParts) return input.acceptToken(terms.tooManyParts, text.length);
  const term = text.onlyStars ? terms.star : text.stars > 0 ? terms.wildcard : terms.word;
  input.acceptToken(term, text.length);
}

function quotedItem(input: InputStream, stack: Stack): void {
  const length = quoted(input);
  if (length === null) return acceptRest(input, terms.unclosedQuote);
  if (input.peek(length) === CHAR.colon && stack.canShift(terms.FieldName)) {
    return length === EMPTY ? undefined : input.acceptToken(terms.FieldName, length);
  }
  // Of an empty phrase, what runs into it is the first mistake.
  const after = input.peek(length);
  const isEmpty = length === EMPTY && isBorder(after) && after !== CHAR.open;
  if (!isEmpty) input.acceptToken(terms.phrase, length);
}

function regexToken(input: InputStream): void {
  const length = slashed(input);
  if (length === null) return acceptRest(input, terms.unclosedRegex);
  // As with phrases: of an empty regex, what runs into it is the first mistake.
  const isEmpty = input.peek(1) === CHAR.slash && isBorder(input.peek(length));
  if (!isEmpty) input.acceptToken(terms.regex, length);
}

/** What is compared with: a text without wildcard, or the open end of a range. */
function operandToken(input: InputStream, stack: Stack): void {
  const inRange = stack.canShift(terms.OpenEnd);
  const after = input.peek(1);
  if (inRange && input.next === CHAR.star && (after === CHAR.closeRange || isSpaceOrEnd(after))) {
    return input.acceptToken(terms.OpenEnd, 1);
  }
  if (input.next === CHAR.quote) {
    const length = quoted(input);
    return length === null ? acceptRest(input, terms.unclosedQuote) : input.acceptToken(terms.Operand, length);
  }
  const text = bare(input, inRange ? CHAR.closeRange : null);
  if (text.dangling) return input.acceptToken(terms.dangling, text.length);
  if (text.length > 0 && text.stars === 0) input.acceptToken(terms.Operand, text.length);
}

function isSpaceOrEnd(unit: number): boolean {
  return isBorder(unit) && unit !== CHAR.open && unit !== CHAR.close && unit !== CHAR.bar;
}
