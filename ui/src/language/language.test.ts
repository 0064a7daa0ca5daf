import { ensureSyntaxTree } from "@codemirror/language";
import { EditorState } from "@codemirror/state";
import { classHighlighter, highlightTree } from "@lezer/highlight";
import { describe, expect, test } from "vitest";

import { outputOf, queryErrors, trawlCompletion, trawlLanguage } from "./index";
import { parse } from "./syntax";

/** How long a busy machine may take for one tree. */
const PATIENCE_MS = 10_000;

function treeOf(state: EditorState): string {
  return String(ensureSyntaxTree(state, state.doc.length, PATIENCE_MS));
}

function styled(query: string): string[] {
  const parts: string[] = [];
  highlightTree(parse(query), classHighlighter, (from, to, classes) => {
    parts.push(`${query.slice(from, to)} ${classes}`);
  });
  return parts;
}

describe("the language of an editor", () => {
  test("reads the document", () => {
    const state = EditorState.create({ doc: "level:>=warn | limit 5", extensions: trawlLanguage() });
    expect(treeOf(state)).toContain("Limit(PipeName,Count)");
  });

  test("is read anew when what stands before a text changes its meaning", () => {
    for (const [doc, removed] of [
      ["f:(x a:b)", 2],
      [`f:(${"x ".repeat(200)}${"a:b ".repeat(200)})`, 2],
      ['"x a:b c', 1],
      ["| sort a:b -c desc", 2],
      ["f:[x TO y] OR z", 2],
    ] as const) {
      const state = EditorState.create({ doc, extensions: trawlLanguage() });
      treeOf(state);
      const changed = state.update({ changes: { from: 0, to: removed } }).state;
      expect(treeOf(changed)).toBe(parse(doc.slice(removed)).toString());
    }
  });

  test("lives in one editor with completion and errors", () => {
    const provider = { fields: () => Promise.resolve([]), values: () => Promise.resolve([]) };
    const extensions = [trawlLanguage(), trawlCompletion(provider), queryErrors(() => Promise.resolve(null))];
    const state = EditorState.create({ doc: "a (", extensions });
    expect(state.languageDataAt<{ brackets: string[] }>("closeBrackets", 3)).toEqual([{ brackets: ["(", "[", '"'] }]);
  });

  test("gives each part a class", () => {
    expect(styled('a NOT level:>=warn "b c" /x/')).toEqual([
      "NOT tok-operator",
      "level tok-propertyName",
      ": tok-punctuation",
      ">= tok-operator",
      "warn tok-literal",
      '"b c" tok-string',
      "/x/ tok-string2",
    ]);
    expect(styled("| timechart 5m p99(ms) by service")).toEqual([
      "| tok-punctuation",
      "timechart tok-keyword",
      "5m tok-number",
      "p99 tok-variableName",
      "( tok-punctuation",
      "ms tok-propertyName",
      ") tok-punctuation",
      "by tok-keyword",
      "service tok-propertyName",
    ]);
  });

  test("shows a quote that is not closed yet as the text it will be", () => {
    expect(styled('service:="check')).toContain('"check tok-string');
    expect(styled("a /b c")).toContain("/b c tok-string2");
  });

  test("keeps what stands after a mistake", () => {
    expect(styled("level: | stats count() by a")).toContain("stats tok-keyword");
    expect(styled("| nonsense | limit 5")).toContain("limit tok-keyword");
  });
});

describe("the output of a query", () => {
  test("is a table after an aggregate", () => {
    for (const query of ["| stats count()", "a | TIMECHART 5m", "| top x | limit 5"]) {
      expect(outputOf(query)).toBe("table");
    }
  });

  test("is events otherwise", () => {
    for (const query of ["", "*", "stats", '"| stats count()"', "a\\| | fields top", "| sort stats | limit 5"]) {
      expect(outputOf(query)).toBe("events");
    }
  });
});
