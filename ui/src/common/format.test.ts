import { describe, expect, it } from "vitest";
import { formatNumber } from "./format";

describe("a number in a table", () => {
  it("has six digits when it has decimals", () => {
    expect(formatNumber("75.52")).toBe("75.52");
    expect(formatNumber("41.333333333333336")).toBe("41.3333");
    expect(formatNumber("0.0000051037612138")).toBe("0.00000510376");
    expect(formatNumber("-1234567.891")).toBe("-1234568");
  });
  it("stays as it is when it is whole", () => {
    expect(formatNumber("12345678901234567890")).toBe("12345678901234567890");
    expect(formatNumber("1e300")).toBe("1e300");
  });
});
