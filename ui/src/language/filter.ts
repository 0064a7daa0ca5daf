// The filter of a query as a tree of its meaning, like crates/query/src/ast.rs.

import type { SyntaxNode } from "@lezer/common";

import { bareParts, plainText, quotedText, regexParts } from "./spelling";
import { childrenOf, parse } from "./syntax";

/** Something that is found in one text. */
export type Term =
  | { kind: "pattern"; parts: string[]; openStart: boolean; openEnd: boolean }
  | { kind: "regex"; pattern: string; ignoreCase: boolean };

/** What a value of a field must be. Ordered tests and times stand here as they are written. */
export type Test =
  { kind: "exists" } | { kind: "has"; term: Term } | { kind: "is"; text: string } | { kind: "within"; text: string };

export type Filter =
  | { kind: "all" }
  | { kind: "and" | "or"; sides: Filter[] }
  | { kind: "not"; inner: Filter }
  | { kind: "text"; term: Term }
  | { kind: "field"; field: string; test: Test };

/** The filter of a query; of a malformed one, what can be read of it. */
export function filterOf(query: string): Filter {
  const node = parse(query).topNode.getChild("Filter");
  return node ? readAll(query, node, null) : { kind: "all" };
}

/** What one node of the filter means; `scope` is the field of `field:( … )`. */
export function readFilter(query: string, node: SyntaxNode, scope: string | null): Filter {
  switch (node.name) {
    case "Or":
    case "And":
      return {
        kind: node.name === "Or" ? "or" : "and",
        sides: partsOf(node).map((side) => readFilter(query, side, scope)),
      };
    case "Not":
      return { kind: "not", inner: readAll(query, node, scope) };
    case "Field":
      return readField(query, node);
    case "Group":
      return readAll(query, node, scope);
    default:
      return scope === null ? readTerm(query, node) : readTest(query, node, scope);
  }
}

const OPERATORS = new Set(["AndOperator", "OrOperator", "NotOperator", "Minus", "FieldName", ":", "(", ")"]);

/** The children of a node that are filters themselves. */
export function partsOf(node: SyntaxNode): SyntaxNode[] {
  return childrenOf(node).filter((child) => !OPERATORS.has(child.name));
}

function readAll(query: string, node: SyntaxNode, scope: string | null): Filter {
  const [only] = partsOf(node);
  return only ? readFilter(query, only, scope) : { kind: "all" };
}

function readField(query: string, node: SyntaxNode): Filter {
  const name = node.getChild("FieldName");
  return name ? readAll(query, node, plainText(query.slice(name.from, name.to))) : { kind: "all" };
}

function readTerm(query: string, node: SyntaxNode): Filter {
  const term = termOf(query, node);
  return term ? { kind: "text", term } : { kind: "all" };
}

function readTest(query: string, node: SyntaxNode, field: string): Filter {
  const test = testOf(query, node);
  const isTime = field === "timestamp" && (test.kind === "has" || test.kind === "is");
  return { kind: "field", field, test: isTime ? { kind: "within", text: query.slice(node.from, node.to) } : test };
}

function testOf(query: string, node: SyntaxNode): Test {
  const text = query.slice(node.from, node.to);
  switch (node.name) {
    case "Exact": {
      const operand = node.getChild("Operand");
      return { kind: "is", text: operand ? plainText(query.slice(operand.from, operand.to)) : "" };
    }
    case "Comparison":
      return { kind: "within", text };
    case "Range":
      return node.getChildren("OpenEnd").length === 2 ? { kind: "exists" } : { kind: "within", text };
    default: {
      const term = termOf(query, node);
      return term ? { kind: "has", term } : { kind: "exists" };
    }
  }
}

/** The term of a node; null for nothing but stars. */
function termOf(query: string, node: SyntaxNode): Term | null {
  const text = query.slice(node.from, node.to);
  switch (node.name) {
    case "Phrase":
    case "UnclosedQuote":
      return { kind: "pattern", parts: [quotedText(text)], openStart: false, openEnd: false };
    case "Regex":
      return { kind: "regex", ...regexParts(text) };
    case "Word":
    case "Wildcard":
      return { kind: "pattern", ...bareParts(text) };
    default:
      return null;
  }
}
