import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { regexFinder } from "./regex";

function matches(pattern: string, text: string, ignoreCase = false): string[] | null {
  const find = regexFinder(pattern, ignoreCase);
  if (!find) return null;
  const found: string[] = [];
  for (let at = 0; at <= text.length;) {
    const range = find(text, at);
    if (!range) break;
    if (range.to > range.from) found.push(text.slice(range.from, range.to));
    at = range.to > range.from ? range.to : range.from + 1;
  }
  return found;
}

describe("a regular expression", () => {
  test("finds what one of JavaScript finds where both mean the same", () => {
    const atom = fc.constantFrom("a", "b", "1", "\\d", "\\w", "[ab]", "[^a]", "[a-c1]", "é", "😀");
    // What is repeated takes some text: of repeated empty matches the two mean different things.
    const { taking } = fc.letrec<{ taking: string }>((tie) => ({
      taking: fc.oneof(
        { maxDepth: 3 },
        atom,
        fc.array(tie("taking"), { minLength: 1, maxLength: 3 }).map((items) => items.join("")),
        fc.array(tie("taking"), { minLength: 2, maxLength: 3 }).map((items) => `(${items.join("|")})`),
        fc
          .tuple(tie("taking"), fc.constantFrom("+", "{2}", "{1,2}", "+?", "{2,}"))
          .map(([item, times]) => `(?:${item})${times}`),
      ),
    }));
    const maybe = fc
      .tuple(taking, fc.constantFrom("", "?", "*", "*?", "??", "{0,2}"))
      .map(([item, times]) => `(?:${item})${times}`);
    const look = fc.constantFrom("\\b", "\\B", "^", "$");
    const regex = fc.array(fc.oneof({ weight: 4, arbitrary: maybe }, { weight: 1, arbitrary: look }), { maxLength: 4 });
    const texts = fc.array(fc.constantFrom("a", "b", "c", "1", " ", "é", "😀"), { maxLength: 8 });
    fc.assert(
      fc.property(regex, texts, (items, parts) => {
        const pattern = items.join("");
        const text = parts.join("");
        const expected = [...text.matchAll(new RegExp(pattern, "gu"))].map(([found]) => found);
        expect([pattern, text, matches(pattern, text)]).toEqual([
          pattern,
          text,
          expected.filter((found) => found !== ""),
        ]);
      }),
      { numRuns: 300 },
    );
  });

  test("has the classes of RE2", () => {
    expect(matches("\\d+", "1٣2")).toEqual(["1", "2"]);
    expect(matches("\\w+", "aéb_9")).toEqual(["a", "b_9"]);
    expect(matches("\\s+", "a\u00a0\u000b\t b")).toEqual(["\t "]);
    expect(matches("[\\S]+", "a\u00a0 b")).toEqual(["a\u00a0", "b"]);
    expect(matches("\\bx\\B", "xy éxy yx")).toEqual(["x", "x"]);
    expect(matches("a.c", "aéc a\nc a\rc a😀c")).toEqual(["aéc", "a\rc", "a😀c"]);
  });

  test("may have the syntax of the regex crate", () => {
    expect(matches("(?P<n>a)(?<m>b)", "ab")).toEqual(["ab"]);
    expect(matches("(?i)ab|c", "AB C")).toEqual(["AB", "C"]);
    expect(matches("(?i:a)b", "Ab AB")).toEqual(["Ab"]);
    expect(matches("(?s)a.b", "a\nb")).toEqual(["a\nb"]);
    expect(matches("(?m)^b$", "a\nb\nc")).toEqual(["b"]);
    expect(matches("\\Aa|z\\z", "a a z z")).toEqual(["a", "z"]);
    expect(matches("\\x41\\x{42}\\u0043\\t", "ABC\t")).toEqual(["ABC\t"]);
    expect(matches("\\pL+\\p{Greek}\\PL", "abγ1")).toEqual(["abγ1"]);
    expect(matches("[[:alpha:]]+[[:^alpha:]]", "ab1")).toEqual(["ab1"]);
    expect(matches("[a-z&&[^b]]+", "abc")).toEqual(["a", "c"]);
    expect(matches("[a-z--b]+", "abc")).toEqual(["a", "c"]);
    expect(matches("[]a]+", "a]b")).toEqual(["a]"]);
    expect(matches("[-a\\-.&]+", "a-.&b")).toEqual(["a-.&"]);
    expect(matches("\\-\\#\\ \\@\\/", "-# @/")).toEqual(["-# @/"]);
    expect(matches("]}", "]}")).toEqual(["]}"]);
    expect(matches("(?U)a+", "aa")).toEqual(["a", "a"]);
  });

  test("ignores letter case by simple folding", () => {
    expect(matches("straße k", "STRAẞE \u212a", true)).toEqual(["STRAẞE \u212a"]);
    expect(matches("[a-c]+", "aBc", true)).toEqual(["aBc"]);
    expect(matches("[^a]", "Aa", true)).toEqual([]);
    expect(matches("BLK", "blk")).toEqual([]);
  });

  test("that cannot be read finds nothing, and throws nothing", () => {
    for (const pattern of [
      "(",
      "[",
      "a**b(",
      "*",
      "\\1",
      "(?=a)",
      "(?x)a",
      "\\p{Nope}",
      "a{3,1}",
      "[b-a]",
      "\\b{start}",
    ]) {
      expect([pattern, matches(pattern, "aaa")]).toEqual([pattern, null]);
    }
    expect(matches("(a{50}){50}", "aaa")).toBeNull();
  });

  test("takes time by the length of the text only", () => {
    const text = "a".repeat(20_000);
    expect(matches("(a+)+b", text)).toEqual([]);
    expect(matches("(a|a)*c|(a*)*d", text)).toEqual([]);
  });
});
