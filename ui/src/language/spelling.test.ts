import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { filterOf, type Filter } from "./filter";
import { quoteField, quoteValue } from "./index";
import { bareParts, quoteTerm, quotedText, regexParts } from "./spelling";
import { firstError, parse } from "./syntax";

const special = fc.constantFrom(...'"\\*:/|()[]-= \n,.é😀\u0085\u2028kANDORT'.split(""), "AND", "TO", "\\\\", '\\"');
// Whole characters only: JSON text cannot carry half of a pair to the server.
const text = fc.oneof(
  fc.fullUnicodeString(),
  fc.array(special, { maxLength: 8 }).map((parts) => parts.join("")),
);
const wellFormed = text.filter((value) => value.isWellFormed());
const someText = wellFormed.filter((value) => value !== "");

function read(query: string): Filter {
  expect([query, firstError(query)]).toEqual([query, null]);
  return filterOf(query);
}

describe("what is written into a query", () => {
  test("is read again as the same value", () => {
    fc.assert(
      fc.property(someText, wellFormed, (field, value) => {
        expect(read(`${quoteField(field)}:=${quoteValue(value)}`)).toEqual({
          kind: "field",
          field,
          test: { kind: "is", text: value },
        });
      }),
      { numRuns: 200 },
    );
  });

  test("is read again as the same term, alone and of a field", () => {
    fc.assert(
      fc.property(someText, (value) => {
        const term = { kind: "pattern", parts: [value], openStart: false, openEnd: false };
        expect(read(quoteTerm(value))).toEqual({ kind: "text", term });
        expect(read(`x:${quoteTerm(value)}`)).toEqual({ kind: "field", field: "x", test: { kind: "has", term } });
        expect(read(`x:${quoteValue(value)}`)).toEqual({ kind: "field", field: "x", test: { kind: "has", term } });
      }),
      { numRuns: 200 },
    );
  });

  test("is a name in a pipe, too", () => {
    fc.assert(
      fc.property(someText, (field) => {
        const name = quoteField(field);
        const query = `| stats count(${name}) as ${name} by ${name}`;
        expect([query, firstError(query)]).toEqual([query, null]);
        const names = parse(query).topNode.getChild("Stats")?.getChildren("Name") ?? [];
        expect(names.map(({ from, to }) => query.slice(from, to))).toEqual([name]);
      }),
      { numRuns: 150 },
    );
  });

  test("is as short as it may be", () => {
    expect(["a.b", "@timestamp", "x-y", "é", "AND"].map(quoteField)).toEqual(["a.b", "@timestamp", "x-y", "é", "AND"]);
    expect(["a b", "-x", "a:b", "a*", 'a"b', "a\\b", "a/b", ""].map(quoteField)).toEqual([
      '"a b"',
      '"-x"',
      '"a:b"',
      '"a*"',
      '"a\\"b"',
      '"a\\\\b"',
      '"a/b"',
      '""',
    ]);
    expect(["warn", "AND", "a-b", "-5"].map(quoteTerm)).toEqual(["warn", '"AND"', '"a-b"', '"-5"']);
  });
});

describe("what is read from a query", () => {
  test("is unescaped", () => {
    expect(quotedText('"C:\\Users \\"x\\" \\\\"')).toBe('C:\\Users "x" \\');
    expect(quotedText('"open \\"')).toBe('open "');
    expect(bareParts("*a\\*b*c\\ d")).toEqual({ parts: ["a*b", "c d"], openStart: true, openEnd: false });
    expect(regexParts("/a\\/b\\\\\\d/i")).toEqual({ pattern: "a/b\\\\\\d", ignoreCase: true });
    expect(regexParts("/i/")).toEqual({ pattern: "i", ignoreCase: false });
  });
});
