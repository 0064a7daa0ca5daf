import { describe, expect, test } from "vitest";

import { highlightsOf } from "./index";

function marks(query: string, text: string, field: string | null = "message"): string[] {
  return highlightsOf(query)
    .ranges(text, field)
    .map(({ from, to }) => text.slice(from, to));
}

/** A query, texts with a mark in them, and texts without; as crates/query/tests/forms.rs has them. */
const FORMS: [string, string[], string[]][] = [
  [
    "timeout",
    ["timeout", "a TIMEOUT!", "x=timeout,y", "é timeout"],
    ["timeouts", "mytimeout", "time_out", "étimeout", "timeout_ms"],
  ],
  ["foo-bar", ["foo-bar", "a Foo-Bar."], ["foo-bars", "xfoo-bar", "foo bar"]],
  ["10.0.0.1", ["from 10.0.0.1:80", "10.0.0.1"], ["110.0.0.1", "10.0.0.12", "10.0.0,1"]],
  [
    '"connection reset"',
    ["Connection Reset by peer", "(connection reset)"],
    ["connection  reset", "connection resets"],
  ],
  ['"say \\"hi\\" \\\\"', ['say "hi" \\'], ["say hi"]],
  ['"C:\\Users"', ["in C:\\Users\\x"], ["C:Users"]],
  ["*8f3a*", ["id-08f3a1", "8F3A"], ["8f3", "8f-3a"]],
  ["req-*", ["req-17", "a req-", "(REQ-x"], ["xreq-1", "req_1"]],
  ["*foo", ["afoo", "foo", "x foo."], ["foox", "foo_"]],
  ["GET*users", ["GET/v1/users", "getusers", "GET=users"], ["GET /users", "GET/users2", "aGET/users"]],
  ["*b*d*", ["abcde", "bd"], ["b d", "db"]],
  ["\\*", ["2 * 3", "*"], ["2 x 3"]],
  ["a\\:b", ["a:b"], ["a b"]],
  ["\\AND", ["this AND that", "and"], ["band"]],
  ["straße", ["die STRAßE hier", "STRAẞE"], ["strasse"]],
  ["kilo", ["KILO", "\u212ailo"], ["kilos"]],
  ["große-ſ", ["GROßE-S"], []],
  ["/blk_-?\\d+7\\b/", ["blk_-1237", "x blk_17 y"], ["blk_-123", "BLK_17", "blk_17a"]],
  ["/BLK/i", ["blk", "a Blk"], ["bl k"]],
  ["/^\\w+$/", ["abc_9"], ["é", "a b", ""]],
  ["/a\\/b/", ["a/b"], ["ab"]],
  ["aaa", ["aaaa aaa", "aaa"], ["aaaa", "aaaaaaaaa", "aa"]],
  ["*aaa", ["aaaa", "aaaaaaa b"], ["aaab", "aa"]],
  ['"a a b"', ["a a a b"], ["a a bc"]],
  ["*", [], ["", "x"]],
];

describe("marks", () => {
  test("are where the language finds its terms", () => {
    for (const [query, found, missed] of FORMS) {
      expect([query, found.filter((text) => marks(query, text).length === 0)]).toEqual([query, []]);
      expect([query, missed.filter((text) => marks(query, text).length > 0)]).toEqual([query, []]);
    }
  });

  test("are every occurrence, without its surroundings", () => {
    expect(marks("timeout", "timeout, timeouts, TIMEOUT")).toEqual(["timeout", "TIMEOUT"]);
    expect(marks("/e\\d+/", "e1 x e22")).toEqual(["e1", "e22"]);
    expect(marks("req*", "a req-1")).toEqual(["req"]);
    expect(marks("GET*users", "(GET/a/users) GET/users")).toEqual(["GET/a/users", "GET/users"]);
    expect(marks("a*b*c", "a1b2c3 x")).toEqual([]);
    expect(marks("a*b*c", "a1b2c3c-c x")).toEqual(["a1b2c3c-c"]);
  });

  test("are UTF-16 ranges, ascending and apart", () => {
    expect(highlightsOf("b OR *c* OR 😀b").ranges("😀b bcb c😀", null)).toEqual([
      { from: 0, to: 3 },
      { from: 5, to: 6 },
      { from: 8, to: 9 },
    ]);
    expect(highlightsOf("*ab* *bc*").ranges("abc", null)).toEqual([{ from: 0, to: 3 }]);
    expect(marks("𝔸", "x 𝔸 𝔸b 𝔸")).toEqual(["𝔸", "𝔸"]);
    expect(marks("*a*😀*", "a😀😀b a😀")).toEqual(["a😀😀", "a😀"]);
    expect(marks("a*𝔸", "a-𝔸b a-𝔸𝔸")).toEqual(["a-𝔸𝔸"]);
  });

  test("belong to the field that was asked for, under any of its names", () => {
    const query = "x message:y service:=z";
    expect(marks(query, "x y z", "message")).toEqual(["x", "y"]);
    expect(marks(query, "x y z", "msg")).toEqual(["x", "y"]);
    expect(marks(query, "x y z", "service")).toEqual(["x", "z"]);
    expect(marks(query, "x y z", "other")).toEqual(["x"]);
    expect(marks(query, "x y z", null)).toEqual(["x", "y", "z"]);
    expect(marks('"odd name":(x OR "y z")', "x y z", "odd name")).toEqual(["x", "y z"]);
    expect(marks("http.status:500", "500", "http.status")).toEqual(["500"]);
  });

  test("are none for what is excluded, compared or a time", () => {
    for (const query of [
      "-x",
      "NOT x",
      "NOT (a OR NOT x)",
      "-f:x",
      "f:*",
      "f:>x",
      "f:[x TO x]",
      "timestamp:x",
      'f:=""',
      "",
    ]) {
      expect([query, marks(query, "x", null)]).toEqual([query, []]);
    }
  });

  test("are found in what is readable of a malformed query", () => {
    expect(marks("timeout AND", "a timeout")).toEqual(["timeout"]);
    expect(marks('timeout "open', "a timeout open")).toEqual(["timeout", "open"]);
    expect(marks("x /(/ /(?=x)/", "x")).toEqual(["x"]);
  });

  test("of long texts and terms are found in little time", () => {
    const run = "as".repeat(40_000);
    const needle = "aS".repeat(500);
    for (const query of [needle, `*${needle}`, `${needle}*b`, `a*s*a*b`, "/(as)*b/", "/a(.*b)?z/"]) {
      expect(marks(query, `${run}x`)).toEqual([]);
    }
    expect(marks("a*b", "a ".repeat(40_000))).toEqual([]);
    // Longer than JavaScript takes; the other terms are marked all the same.
    expect(marks(`${"k".repeat(16_000)} OR x`, "x")).toEqual(["x"]);
  });
});
