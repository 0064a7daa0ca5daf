// Words, phrases, prefixes and substrings, and those with gaps; see crates/query/src/matcher/literal.rs.

import { isWord } from "../characters";
import type { Term } from "../filter";
import { endOfWord, endsOf, nextCharacter, wordAfter, wordBefore } from "./words";

export interface TextRange {
  from: number;
  to: number;
}

/** Gives the next match in a text from `at` on. */
export type Finder = (text: string, at: number) => TextRange | null;

type Pattern = Extract<Term, { kind: "pattern" }>;

/** The finder of a pattern. One text after another is searched with it, each from its beginning. */
export function literalFinder(pattern: Pattern): Finder | null {
  const [first] = pattern.parts;
  const last = pattern.parts.at(-1);
  if (first === undefined || last === undefined) return null;
  const guardsStart = !pattern.openStart && isWord(endsOf(first).first);
  const guardsEnd = !pattern.openEnd && isWord(endsOf(last).last);
  const searches = pattern.parts.map(ignoringCase);
  const [only] = searches;
  if (only && searches.length === 1) {
    return (text, at) => findOne(only, first.length, text, at, guardsStart, guardsEnd);
  }
  return (text, at) => findWithGaps(searches, text, at, guardsStart, guardsEnd);
}

/** JavaScript ignores case by simple case folding under the flag `u`, as the language does. */
function ignoringCase(text: string): RegExp {
  return new RegExp(text.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&"), "giu");
}

function search(pattern: RegExp, text: string, at: number): TextRange | null {
  pattern.lastIndex = at;
  const found = pattern.exec(text);
  return found ? { from: found.index, to: found.index + found[0].length } : null;
}

function findOne(
  pattern: RegExp,
  length: number,
  text: string,
  at: number,
  guardsStart: boolean,
  guardsEnd: boolean,
): TextRange | null {
  for (let from = at; from <= text.length;) {
    const found = search(pattern, text, from);
    if (!found) return null;
    const insideStart = guardsStart && wordBefore(text, found.from);
    const insideEnd = guardsEnd && wordAfter(text, found.to);
    if (!insideStart && !insideEnd) return found;
    // A run of overlapping occurrences is left in one step: a match begins, or ends, where a word does.
    const next = guardsStart ? endOfWord(text, found.from) : endOfWord(text, found.to) - length;
    from = Math.max(next, nextCharacter(text, found.from));
  }
  return null;
}

/** Between two parts stands anything but white space, as much as possible before the last part. */
function findWithGaps(
  searches: RegExp[],
  text: string,
  at: number,
  guardsStart: boolean,
  guardsEnd: boolean,
): TextRange | null {
  const [first, ...others] = searches;
  const last = others.pop();
  if (!first || !last) return null;
  for (let from = at; from <= text.length;) {
    const start = search(first, text, from);
    if (!start) return null;
    if (guardsStart && wordBefore(text, start.from)) {
      from = Math.max(endOfWord(text, start.from), nextCharacter(text, start.from));
      continue;
    }
    const runEnd = endOfRun(text, start.to);
    let reached: TextRange | null = start;
    for (const part of others) reached = reached && withinGap(part, text, reached.to);
    const end = reached && lastWithinGap(last, text, reached.to, guardsEnd);
    if (end) return { from: start.from, to: end.to };
    // Whatever begins later before the next white space has even fewer places for the other parts.
    from = Math.max(runEnd, nextCharacter(text, start.from));
  }
  return null;
}

/** Where the next white space is. */
function endOfRun(text: string, at: number): number {
  const space = /\p{White_Space}/gu;
  space.lastIndex = at;
  return space.exec(text)?.index ?? text.length;
}

function withinGap(part: RegExp, text: string, at: number): TextRange | null {
  const limit = endOfRun(text, at);
  const found = search(part, text.slice(at, limit + MAX_PART), 0);
  return found && at + found.from <= limit ? { from: at + found.from, to: at + found.to } : null;
}

/** Longest part that is looked for behind a gap, in UTF-16 code units: a part may itself hold white space. */
const MAX_PART = 1024;

function lastWithinGap(part: RegExp, text: string, at: number, guardsEnd: boolean): TextRange | null {
  const limit = endOfRun(text, at);
  const window = text.slice(at, limit + MAX_PART);
  let best: TextRange | null = null;
  for (let found = search(part, window, 0); found && at + found.from <= limit;) {
    const to = at + found.to;
    if (!guardsEnd || !wordAfter(text, to)) best = { from: at + found.from, to };
    found = search(part, window, nextCharacter(window, found.from));
  }
  return best;
}
