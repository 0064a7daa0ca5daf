import type { SyntaxNode, Tree } from "@lezer/common";

import { parser } from "./generated/parser";

/** The tree of a whole query. It has error nodes where the query is malformed. */
export function parse(query: string): Tree {
  return parser.parse(query);
}

/** Nodes that are mistakes as a whole, from where they begin. */
const MISTAKES = new Set(["UnclosedQuote", "UnclosedRegex", "TooManyParts"]);

/** Nodes that what follows has to touch: white space after them is the mistake itself. */
const TIGHT = new Set(["Minus", ":", "ExactOperator", "CompareOperator", "FunctionName"]);

/** Where the first mistake of a query is, in UTF-16 code units; null without one. */
export function firstError(query: string): number | null {
  let first: number | null = null;
  let tightEnd = 0;
  let isTight = false;
  parse(query).iterate({
    enter(node) {
      if (first !== null) return false;
      if (MISTAKES.has(node.name)) first = node.from;
      else if (node.type.isError) {
        const reached = skipSpace(query, isTight ? tightEnd : node.from);
        first = isTight && reached >= node.from ? tightEnd : skipSpace(query, node.from);
      } else if (node.node.firstChild === null) {
        isTight = TIGHT.has(node.name);
        tightEnd = node.to;
      }
      return undefined;
    },
  });
  return first;
}

/** The children of a node, errors left out. */
export function childrenOf(node: SyntaxNode): SyntaxNode[] {
  const children: SyntaxNode[] = [];
  for (let child = node.firstChild; child; child = child.nextSibling) {
    if (!child.type.isError) children.push(child);
  }
  return children;
}

/** An error node may begin before the white space that precedes the mistake. */
function skipSpace(query: string, from: number): number {
  const text = /^\p{White_Space}*/u.exec(query.slice(from));
  return from + (text?.[0].length ?? 0);
}
