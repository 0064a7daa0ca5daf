import { syntaxTree } from "@codemirror/language";
import { EditorState } from "@codemirror/state";
import { classHighlighter, highlightTree } from "@lezer/highlight";
import { describe, expect, test } from "vitest";

import { outputOf, trawlLanguage } from "./index";
import { parse } from "./syntax";

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
    expect(syntaxTree(state).toString()).toContain("Limit(PipeName,Count)");
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
