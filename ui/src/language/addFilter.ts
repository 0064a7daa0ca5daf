import type { SyntaxNode } from "@lezer/common";

import { readFilter, partsOf, type Filter } from "./filter";
import { quoteField, quoteValue } from "./spelling";
import { parse } from "./syntax";

/** A number that keeps every digit it was sent with. */
export interface ExactNumber {
  isLosslessNumber: true;
  toString(): string;
}

export type FilterValue = string | number | boolean | null | ExactNumber;
/** Events that have the value, events that do not, or events that have the field at all. */
export type FilterMode = "in" | "out" | "exists";

/**
 * The query with one more condition on its events, before the pipes. Nothing changes when it is there already; it
 * takes the place of its opposite.
 */
export function addFilter(query: string, field: string, value: FilterValue, mode: FilterMode): string {
  const { test, negated } = condition(value, mode);
  const clause = `${negated ? "NOT " : ""}${quoteField(field)}:${test}`;
  const { before, filter, sides, isOr, after } = partsOfQuery(query);
  const wanted = keyOf(clause);
  const opposite = opposed(wanted);
  const keys = sides.map((side) => keyOf(filter.slice(side.from, side.to)));
  const places = sides.filter((_, index) => keys[index] === wanted || keys[index] === opposite);
  const [place] = places;
  if (!place) {
    const isEmpty = filter === "" || (keys.length > 0 && keys.every((key) => key === EVERYTHING));
    const others = isOr ? `(${filter})` : filter;
    return isEmpty ? `${before}${clause}${after}` : `${before}${others} ${clause}${after}`;
  }
  if (places.length === 1) {
    if (keys.includes(wanted)) return query;
    return `${before}${filter.slice(0, place.from)}${clause}${filter.slice(place.to)}${after}`;
  }
  // Both are there, or one of them twice: only one is left.
  const left = sides.filter((side) => side === place || !places.includes(side));
  const texts = left.map((side) => (side === place ? clause : filter.slice(side.from, side.to)));
  return `${before}${texts.join(" ")}${after}`;
}

function condition(value: FilterValue, mode: FilterMode): { test: string; negated: boolean } {
  // A field that is null does not exist.
  if (mode === "exists") return { test: "*", negated: false };
  if (value === null) return { test: "*", negated: mode === "in" };
  const test = typeof value === "string" ? `=${quoteValue(value)}` : String(value);
  return { test, negated: mode === "out" };
}

interface QueryParts {
  before: string;
  filter: string;
  /** Where in the filter the conditions stand that are joined by AND. */
  sides: { from: number; to: number }[];
  isOr: boolean;
  after: string;
}

function partsOfQuery(query: string): QueryParts {
  const top = parse(query).topNode;
  const pipe = top.getChild("|");
  const end = pipe ? pipe.from : query.length;
  const after = pipe ? ` ${query.slice(pipe.from)}` : "";
  const node = top.getChild("Filter");
  const [root] = node ? partsOf(node) : [];
  const from = root?.from ?? end;
  const isWhole = isBlank(query.slice(0, from)) && isBlank(query.slice(root?.to ?? end, end));
  if (!root || !isWhole || hasError(root)) {
    // The tree of a malformed filter does not say what its conditions are: all of it is kept as it is.
    const filter = query.slice(0, end).replace(/^\p{White_Space}+|\p{White_Space}+$/gu, "");
    return { before: "", filter, sides: [], isOr: false, after };
  }
  const nodes = root.name === "And" ? partsOf(root) : [root];
  const sides = nodes.map((side) => ({ from: side.from - from, to: side.to - from }));
  const filter = query.slice(from, root.to);
  return { before: query.slice(0, from), filter, sides, isOr: root.name === "Or", after };
}

function isBlank(text: string): boolean {
  return /^\p{White_Space}*$/u.test(text);
}

function hasError(node: SyntaxNode): boolean {
  let found = false;
  node.cursor().iterate((inner) => {
    found ||= inner.type.isError;
    return !found;
  });
  return found;
}

const EVERYTHING = JSON.stringify({ kind: "all" });

/** The meaning of one condition, the same for every way to write it. */
function keyOf(text: string): string {
  const node = parse(text).topNode.getChild("Filter");
  const [root] = node ? partsOf(node) : [];
  return root ? JSON.stringify(plainly(readFilter(text, root, null))) : text;
}

/** The filter without a NOT of a NOT. */
function plainly(filter: Filter): Filter {
  if (filter.kind !== "not") return filter;
  const inner = plainly(filter.inner);
  return inner.kind === "not" ? inner.inner : { kind: "not", inner };
}

function opposed(key: string): string {
  return JSON.stringify(plainly({ kind: "not", inner: JSON.parse(key) as Filter }));
}
