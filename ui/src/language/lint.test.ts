import { describe, expect, test } from "vitest";

import { diagnosticsOf, offsetOf } from "./lint";

const silent = () => Promise.reject(new Error("no answer"));

describe("errors", () => {
  test("are underlined from their column to the end of the token", async () => {
    const problem = { column: 9, message: "this is no level" };
    expect(await diagnosticsOf("level:>=loud x", () => Promise.resolve(problem))).toEqual([
      { from: 8, to: 12, severity: "error", message: "this is no level" },
    ]);
  });

  test("are counted in characters", async () => {
    const [mark] = await diagnosticsOf("😀 é😀 a)", () => Promise.resolve({ column: 7, message: "no" }));
    expect(mark).toMatchObject({ from: 8, to: 9 });
    expect(offsetOf("😀", 2)).toBe(2);
    expect(offsetOf("ab", 9)).toBe(2);
  });

  test("may be at the end, or at white space", async () => {
    const at = (column: number) => diagnosticsOf("a: b", () => Promise.resolve({ column, message: "no" }));
    expect(await at(5)).toMatchObject([{ from: 4, to: 4 }]);
    expect(await at(3)).toMatchObject([{ from: 2, to: 3 }]);
  });

  test("are none when the check finds none, whatever the grammar says", async () => {
    expect(await diagnosticsOf("a)", () => Promise.resolve(null))).toEqual([]);
  });

  test("come from the grammar while the check does not answer", async () => {
    expect(await diagnosticsOf("a OR OR b", silent)).toMatchObject([{ from: 5, to: 7 }]);
    expect(await diagnosticsOf('a "open', silent)).toMatchObject([{ from: 2, to: 7 }]);
    expect(await diagnosticsOf("a OR b", silent)).toEqual([]);
  });
});
