import { describe, expect, it } from "vitest";
import { readEvent } from "../events/event";
import { csvField, csvHeader, csvLine, shellQuote } from "./formats";

describe("CSV", () => {
  it("quotes what would break a line apart", () => {
    expect(csvField('a "b", c\nd')).toBe('"a ""b"", c\nd"');
    expect(csvField("plain")).toBe("plain");
  });
  it("does not let a spreadsheet run what was logged", () => {
    expect(csvField("=HYPERLINK(1)")).toBe("'=HYPERLINK(1)");
    for (const first of ["=", "+", "-", "@", "＝", "＋", "－", "＠"]) {
      expect(csvField(`${first}SUM(A1)`)).toBe(`'${first}SUM(A1)`);
    }
    expect(csvField("\t=1")).toBe('"\'\t=1"');
    expect(csvField("\r=1")).toBe('"\'\r=1"');
    expect(csvField("\n=1")).toBe('"\'\n=1"');
    expect(csvField('=1,"2"')).toBe('"\'=1,""2"""');
    expect(csvHeader(["=1"])).toBe("timestamp,'=1\r\n");
    expect(csvField("-12.5e3")).toBe("-12.5e3");
    expect(csvField("-12.5e3+A1")).toBe("'-12.5e3+A1");
  });
  it("does not let a field become two where semicolons part fields", () => {
    expect(csvField("a;=1+1")).toBe('"a;=1+1"');
  });
  it("has a line for each event, with numbers as they were spelled", () => {
    const event = readEvent(
      '{"ts":"2026-03-02T10:00:00Z","http":{"status":5.00},"tags":["a",1],"msg":"x"}',
    );
    const columns = ["http.status", "tags", "missing", "message"];
    expect(csvHeader(columns)).toBe("timestamp,http.status,tags,missing,message\r\n");
    expect(csvLine(event, columns)).toBe('2026-03-02T10:00:00Z,5.00,"[""a"",1]",,x\r\n');
  });
});

it("quotes for a shell", () => {
  expect(shellQuote("-15m")).toBe("-15m");
  expect(shellQuote("it's a | b")).toBe("'it'\\''s a | b'");
  expect(shellQuote("it's\n\u0003 a\\b \u009bx")).toBe("$'it\\'s\\012\\003 a\\\\b \\302\\233x'");
});
