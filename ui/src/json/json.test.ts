import { describe, expect, it } from "vitest";
import { parseJson } from "./parse";
import { arrayElements, objectMembers, ScanError, textOf } from "./scan";
import { JsonNumber, type JsonObject, stringify } from "./value";

const bytesOf = (text: string) => new TextEncoder().encode(text);

function elements(text: string): string[] {
  const bytes = bytesOf(text);
  const bounds = arrayElements(bytes);
  const parts: string[] = [];
  for (let index = 0; index < bounds.length; index += 2) {
    parts.push(textOf(bytes, { start: bounds[index] as number, end: bounds[index + 1] as number }));
  }
  return parts;
}

describe("splitting an array", () => {
  it("gives each element as it was spelled", () => {
    expect(elements('[ {"a":1.0e2} ,[1,[2]],"x,]\\"", 12345678901234567890,null ]')).toEqual([
      '{"a":1.0e2}',
      "[1,[2]]",
      '"x,]\\""',
      "12345678901234567890",
      "null",
    ]);
  });
  it("knows the empty array", () => expect(elements("[ ]")).toEqual([]));
  it("is not misled by brackets, escapes and other scripts in strings", () => {
    const events = ['{"m":"}]{[\\\\"}', '{"m":"\\\\\\"é漢😀"}', '{"":{"a":["]"]}}'];
    expect(elements(`[${events.join(",")}]`)).toEqual(events);
  });
  it("refuses what breaks off", () => {
    for (const text of ['[{"a":1}', '["a', "[1,", "[,]", "{}"]) {
      expect(() => elements(text)).toThrow(ScanError);
    }
  });
});

it("finds the members of an object", () => {
  const bytes = bytesOf('{ "id" : "a\\"b", "events":[{"id":"no"}], "n":null}');
  const members = objectMembers(bytes);
  const texts = [...members].map(([key, span]) => [key, textOf(bytes, span)]);
  expect(texts).toEqual([
    ["id", '"a\\"b"'],
    ["events", '[{"id":"no"}]'],
    ["n", "null"],
  ]);
});

describe("parsing", () => {
  it("keeps the spelling of numbers and the order of members", () => {
    const text = '{"b":12345678901234567890,"a":[1.50,-0,1e400],"b":true,"s":"\\u00e9\\n"}';
    const value = parseJson(text) as JsonObject;
    expect(value.get("b")).toEqual(new JsonNumber("12345678901234567890"));
    expect(stringify(value)).toBe(
      '{"b":12345678901234567890,"a":[1.50,-0,1e400],"b":true,"s":"é\\n"}',
    );
  });
  it("indents", () => {
    expect(stringify(parseJson('{"a":{},"b":[1]}'), 2)).toBe(
      '{\n  "a": {},\n  "b": [\n    1\n  ]\n}',
    );
  });
  it("refuses what is no JSON", () => {
    for (const text of ["", "{", '{"a" 1}', "[1 2]", "tru", "1 2", '"\\x"', "01"]) {
      expect(() => parseJson(text)).toThrow(SyntaxError);
    }
  });
});
