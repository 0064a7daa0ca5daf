import { mayBeSameField } from "./fields";
import { filterOf, type Filter, type Term } from "./filter";
import { literalFinder, type Finder, type TextRange } from "./matching/literal";
import { regexFinder } from "./matching/regex";
import { nextCharacter } from "./matching/words";

/** Marks the terms of a query in the texts of its results. */
export interface Highlighter {
  /**
   * Where terms are found in `text`, the value of `field`: ranges of UTF-16 code units, ascending and apart.
   * Without a field, in a text that may be of any, the terms of all fields count.
   */
  ranges(text: string, field: string | null): { from: number; to: number }[];
}

/** Longest text that is searched, in UTF-16 code units; nobody reads marks beyond. */
const MAX_TEXT = 100_000;
/** Most marks of one term in one text. */
const MAX_MARKS = 1000;

interface Mark {
  field: string | null;
  find: Finder;
}

/** The terms of a query, but for those under NOT, ready to be found again; see crates/query/src/highlight.rs. */
export function highlightsOf(query: string): Highlighter {
  const marks = marksOf(filterOf(query));
  return {
    ranges(text, field) {
      const searched = text.slice(0, MAX_TEXT);
      const wanted = marks.filter((mark) => mark.field === null || field === null || mayBeSameField(mark.field, field));
      return merged(wanted.flatMap((mark) => allIn(searched, mark.find)));
    },
  };
}

function marksOf(filter: Filter): Mark[] {
  switch (filter.kind) {
    case "and":
    case "or":
      return filter.sides.flatMap(marksOf);
    case "text":
      return markOf(null, filter.term);
    case "field": {
      const { field, test } = filter;
      if (test.kind === "has") return markOf(field, test.term);
      if (test.kind !== "is" || test.text === "") return [];
      // An exact value is marked as the text it is, wherever that stands in the value shown.
      return markOf(field, { kind: "pattern", parts: [test.text], openStart: true, openEnd: true });
    }
    case "all":
    case "not":
      return [];
  }
}

function markOf(field: string | null, term: Term): Mark[] {
  const find = term.kind === "regex" ? regexFinder(term.pattern, term.ignoreCase) : literalFinder(term);
  return find ? [{ field, find }] : [];
}

/** Every match that is not empty. A term too long for a regular expression of JavaScript is not marked. */
function allIn(text: string, find: Finder): TextRange[] {
  try {
    return matchesIn(text, find);
  } catch {
    return [];
  }
}

function matchesIn(text: string, find: Finder): TextRange[] {
  const ranges: TextRange[] = [];
  for (let at = 0; at <= text.length && ranges.length < MAX_MARKS;) {
    const found = find(text, at);
    if (!found) break;
    const isEmpty = found.to === found.from;
    if (!isEmpty) ranges.push(found);
    at = isEmpty ? nextCharacter(text, found.to) : found.to;
  }
  return ranges;
}

function merged(ranges: TextRange[]): TextRange[] {
  const result: TextRange[] = [];
  for (const { from, to } of ranges.sort((a, b) => a.from - b.from)) {
    const last = result.at(-1);
    if (last && from <= last.to) last.to = Math.max(last.to, to);
    else result.push({ from, to });
  }
  return result;
}
