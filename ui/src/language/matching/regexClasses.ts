// The classes and escapes of a regular expression, written as JavaScript has them under the flag `v`.

import { CLASSES, POSIX, literalSource, propertySource } from "./charset";
import type { PatternCursor } from "./regexSyntax";

/** One item of a class: its source, and its code point when it is a single character. */
interface Item {
  source: string;
  codePoint: number | null;
}

const CONTROLS: Record<string, number> = { a: 7, f: 12, t: 9, n: 10, r: 13, v: 11 };
const HEX_DIGITS: Record<string, number> = { x: 2, u: 4, U: 8 };

/** What stands after a backslash. */
export function escapeOf(cursor: PatternCursor): Item {
  const c = cursor.next();
  const known = CLASSES[c];
  if (known !== undefined) return { source: known, codePoint: null };
  if (c === "p" || c === "P") return property(cursor, c === "P");
  const control = CONTROLS[c];
  if (control !== undefined) return single(control);
  const digits = HEX_DIGITS[c];
  if (digits !== undefined) return single(hex(cursor, digits));
  // Letters and digits that are none of these mean nothing, or a back-reference.
  if (/[0-9A-Za-z<>]/.test(c)) throw new Error(`an unknown escape \\${c}`);
  return single(c.codePointAt(0) ?? 0);
}

function property(cursor: PatternCursor, negated: boolean): Item {
  const name = cursor.eat("{") ? cursor.until("}") : cursor.next();
  const isNot = name.startsWith("^");
  return { source: propertySource(isNot ? name.slice(1) : name, isNot !== negated), codePoint: null };
}

function hex(cursor: PatternCursor, digits: number): number {
  let text = "";
  if (cursor.eat("{")) text = cursor.until("}");
  else for (let count = 0; count < digits; count += 1) text += cursor.next();
  if (!/^[0-9A-Fa-f]{1,8}$/.test(text)) throw new Error("no hexadecimal number");
  return parseInt(text, 16);
}

function single(codePoint: number): Item {
  return { source: literalSource(codePoint), codePoint };
}

const OPERATORS = ["&&", "--", "~~"];

/** The class whose `[` has just been read, to its `]`. */
export function classSource(cursor: PatternCursor): string {
  const negated = cursor.eat("^");
  let left: string | null = null;
  let operator = "";
  let items = leadingItems(cursor);
  for (;;) {
    const next = OPERATORS.find((candidate) => cursor.eat(candidate));
    const isEnd = next === undefined && cursor.eat("]");
    if (next === undefined && !isEnd) {
      items += classItem(cursor);
      continue;
    }
    const right = `[${items}]`;
    left = left === null ? right : combined(left, operator, right);
    if (isEnd) return negated ? `[^${left}]` : left;
    operator = next ?? "";
    items = "";
  }
}

/** A `]` that comes first, and any `-` there, stand for themselves. */
function leadingItems(cursor: PatternCursor): string {
  let items = "";
  while (cursor.peek() === "-") items += literalSource(cursor.next().charCodeAt(0));
  if (items === "" && cursor.eat("]")) items = literalSource("]".charCodeAt(0));
  return items;
}

function combined(left: string, operator: string, right: string): string {
  if (operator === "~~") return `[[${left}--${right}][${right}--${left}]]`;
  return `[${left}${operator}${right}]`;
}

function classItem(cursor: PatternCursor): string {
  const start = oneItem(cursor);
  // A `-` before the end of the class, or before another one, begins no range.
  const isRange = cursor.peek() === "-" && cursor.peek(1) !== "]" && cursor.peek(1) !== "-";
  if (!isRange) return start.source;
  cursor.next();
  const end = oneItem(cursor);
  if (start.codePoint === null || end.codePoint === null) throw new Error("a range of something that is no character");
  return `${start.source}-${end.source}`;
}

function oneItem(cursor: PatternCursor): Item {
  if (cursor.eat("[:")) {
    const negated = cursor.eat("^");
    const ranges = POSIX[cursor.until(":")];
    if (ranges === undefined || !cursor.eat("]")) throw new Error("an unknown class");
    return { source: `[${negated ? "^" : ""}${ranges}]`, codePoint: null };
  }
  if (cursor.eat("[")) return { source: classSource(cursor), codePoint: null };
  return cursor.eat("\\") ? escapeOf(cursor) : single(cursor.next().codePointAt(0) ?? 0);
}
