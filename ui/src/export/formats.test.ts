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
    expect(csvField("-12.5e3")).toBe("-12.5e3");
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
});
