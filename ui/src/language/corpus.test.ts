import { readFileSync } from "node:fs";

import { describe, expect, test } from "vitest";

import { firstError } from "./syntax";

// The queries that the parser of the server is tested on: what one of the two accepts or refuses, so does the other.
const CORPUS = new URL("../../../crates/query/tests/corpus/", import.meta.url);

interface Valid {
  query: string;
  canonical?: string;
}

interface Malformed {
  query: string;
  code: string;
  column: number;
  /** The grammar knows neither fields nor columns nor regexes: it accepts what is wrong only by its meaning. */
  editor?: "accepts";
  /** Where the grammar sees the mistake, if elsewhere. */
  editor_column?: number;
}

function read<Case>(name: string): Case[] {
  return JSON.parse(readFileSync(new URL(name, CORPUS), "utf8")) as Case[];
}

const MATTERS_OF_MEANING = [
  "bad_value",
  "duplicate_column",
  "pipe_order",
  "regex_invalid",
  "regex_too_large",
  "unknown_column",
];

function columnOf(query: string): number | null {
  const at = firstError(query);
  return at === null ? null : [...query.slice(0, at)].length + 1;
}

describe("the grammar", () => {
  test("accepts every query of the corpus, and what it is printed as", () => {
    const valid = read<Valid>("queries.json");
    const queries = valid.flatMap(({ query, canonical }) => (canonical === undefined ? [query] : [query, canonical]));
    expect(queries.length).toBeGreaterThan(400);
    expect(queries.filter((query) => firstError(query) !== null)).toEqual([]);
  });

  test("refuses every malformed query at the same column, but for mistakes of meaning", () => {
    const malformed = read<Malformed>("errors.json");
    expect(malformed.length).toBeGreaterThan(300);
    for (const { query, column, editor, editor_column } of malformed) {
      const wanted = editor === "accepts" ? null : (editor_column ?? column);
      expect({ query, column: columnOf(query) }).toEqual({ query, column: wanted });
    }
  });

  test("accepts a malformed query only where its meaning is wrong", () => {
    const accepted = read<Malformed>("errors.json").filter(({ editor }) => editor === "accepts");
    expect(accepted.filter(({ code }) => !MATTERS_OF_MEANING.includes(code))).toEqual([]);
  });
});
