import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { addFilter, type FilterMode, type FilterValue } from "./addFilter";
import { filterOf } from "./filter";
import { firstError } from "./syntax";

const exact = (text: string) => ({ isLosslessNumber: true, toString: () => text }) as const;

describe("a filter that is added", () => {
  test("is spelled by the type of its value", () => {
    const added = (value: FilterValue, mode: FilterMode) => addFilter("", "f", value, mode);
    expect(added("a b", "in")).toBe('f:="a b"');
    expect(added("a b", "out")).toBe('NOT f:="a b"');
    expect(added(-1.5, "in")).toBe("f:-1.5");
    expect(added(true, "out")).toBe("NOT f:true");
    expect(added(exact("12345678901234567890"), "in")).toBe("f:12345678901234567890");
    expect(added(null, "in")).toBe("NOT f:*");
    expect(added(null, "out")).toBe("f:*");
    expect(added("x", "exists")).toBe("f:*");
    expect(addFilter("", 'odd "name"', "x", "in")).toBe('"odd \\"name\\"":="x"');
  });

  test("stands before the pipes", () => {
    expect(addFilter("a | limit 5", "f", "x", "in")).toBe('a f:="x" | limit 5');
    expect(addFilter("|limit 5", "f", "x", "in")).toBe('f:="x" |limit 5');
    expect(addFilter('"|" | limit 5', "f", "x", "in")).toBe('"|" f:="x" | limit 5');
  });

  test("is joined by AND, whatever was there", () => {
    expect(addFilter("a OR b", "f", 1, "in")).toBe("(a OR b) f:1");
    expect(addFilter("a b", "f", 1, "in")).toBe("a b f:1");
    expect(addFilter("(a OR b)", "f", 1, "in")).toBe("(a OR b) f:1");
    expect(addFilter("*", "f", 1, "in")).toBe("f:1");
    expect(addFilter(" a\\ ", "f", 1, "in")).toBe(" a\\  f:1");
    expect(addFilter("a AND b", "f", 1, "in")).toBe("a AND b f:1");
  });

  test("is not added twice, however it is written", () => {
    for (const query of ['a f:="x"', "a AND f:=x | limit 5", '(f:="x") a', 'f:(="x")', 'NOT -f:="x"']) {
      expect(addFilter(query, "f", "x", "in")).toBe(query);
    }
    expect(addFilter('a -f:="x"', "f", "x", "out")).toBe('a -f:="x"');
  });

  test("takes the place of its opposite", () => {
    expect(addFilter('a AND f:="x" b', "f", "x", "out")).toBe('a AND NOT f:="x" b');
    expect(addFilter('-f:="x" | limit 5', "f", "x", "in")).toBe('f:="x" | limit 5');
    expect(addFilter("NOT f:*", "f", "x", "exists")).toBe("f:*");
    expect(addFilter('f:="x" NOT f:="x"', "f", "x", "in")).toBe('f:="x"');
    expect(addFilter('NOT NOT f:="x"', "f", "x", "out")).toBe('NOT f:="x"');
  });

  test("leaves other filters of the field alone", () => {
    expect(addFilter('f:="y"', "f", "x", "in")).toBe('f:="y" f:="x"');
    expect(addFilter('f:="x" OR b', "f", "x", "out")).toBe('(f:="x" OR b) NOT f:="x"');
  });

  test("does not lose a filter that is malformed", () => {
    expect(addFilter("a OR | limit 5", "f", "x", "in")).toBe('a OR f:="x" | limit 5');
    expect(addFilter("a)", "f", "x", "in")).toBe('a) f:="x"');
    expect(addFilter("a:", "f", "x", "in")).toBe('a: f:="x"');
  });

  test("makes a query that reads as one condition more", () => {
    const item = fc.constantFrom(
      "a",
      "-b",
      '"c d"',
      "x:1",
      "NOT (a OR b)",
      "(a b)",
      "g:(1 OR 2)",
      "/r e/",
      "*",
      "f:*",
      "a\\ ",
    );
    const filter = fc.array(fc.tuple(item, fc.constantFrom(" ", " AND ", " OR ")), { maxLength: 5 });
    const queries = fc
      .tuple(filter, fc.constantFrom("", "| limit 5", " | stats count() by f"))
      .map(([items, pipes]) => {
        const text = items.map(([one, joint], index) => (index === items.length - 1 ? one : `${one}${joint}`)).join("");
        return `${text}${pipes}`;
      });
    const texts = fc.fullUnicodeString().filter((text) => text.isWellFormed());
    const values = fc.oneof(
      texts,
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      fc.boolean(),
      fc.constant(null),
    );
    const names = texts.filter((name) => name !== "");
    const modes = fc.constantFrom<FilterMode>("in", "out", "exists");
    fc.assert(
      fc.property(queries, names, values, modes, (query, field, value, mode) => {
        const once = addFilter(query, field, value, mode);
        expect([once, firstError(once)]).toEqual([once, null]);
        expect(addFilter(once, field, value, mode)).toBe(once);
        const before = filterOf(query);
        const after = filterOf(once);
        if (before.kind === "or") expect(after).toMatchObject({ kind: "and", sides: [before, {}] });
      }),
      { numRuns: 150 },
    );
  });
});
