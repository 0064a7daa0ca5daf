import { describe, expect, it } from "vitest";
import { findEvent, hashOf, linkOf } from "../event/permalink";
import { parseJson } from "../json/parse";
import { arrayElements } from "../json/scan";
import { displayText, JsonNumber, type JsonObject } from "../json/value";
import { readEvent } from "./event";
import { EventList } from "./eventList";
import { fieldOf, leavesOf, valuesAt } from "./fields";
import { levelOf } from "./level";
import { momentOf, rfc3339 } from "./timestamp";

const object = (text: string) => parseJson(text) as JsonObject;

function listOf(...pages: string[][]): EventList {
  const list = new EventList();
  for (const page of pages) {
    const bytes = new TextEncoder().encode(`[${page.join(" , ")}]`);
    list.append({ bytes, bounds: arrayElements(bytes) });
  }
  return list;
}

describe("a level", () => {
  it("is known by its spellings and numbers", () => {
    for (const [sent, level] of [
      ["WARNING", "warn"],
      [" err ", "error"],
      ["3", "error"],
      ["17", "error"],
      ["0", "fatal"],
      ["9", "info"],
      ["24", "fatal"],
    ] as const) {
      expect(levelOf(sent)).toBe(level);
    }
    expect(levelOf(new JsonNumber("7"))).toBe("debug");
    expect([levelOf("loud"), levelOf("25"), levelOf(null), levelOf(undefined)]).toEqual([
      null,
      null,
      null,
      null,
    ]);
  });
});

describe("a timestamp", () => {
  it("keeps nanoseconds, whatever its form", () => {
    const forms: [Parameters<typeof momentOf>[0], string][] = [
      ["2026-03-02T10:00:02.222222222Z", "2026-03-02T10:00:02.222222222Z"],
      ["2026-03-02 12:00:02.5+02:00", "2026-03-02T10:00:02.500Z"],
      [new JsonNumber("1772445602"), "2026-03-02T10:00:02.000Z"],
      [new JsonNumber("1772445602222"), "2026-03-02T10:00:02.222Z"],
      [new JsonNumber("1772445602222222"), "2026-03-02T10:00:02.222222Z"],
      [new JsonNumber("1772445602222222222"), "2026-03-02T10:00:02.222222222Z"],
      ["1772445602222222222", "2026-03-02T10:00:02.222222222Z"],
    ];
    for (const [sent, text] of forms) {
      const moment = momentOf(sent);
      expect(moment && rfc3339(moment)).toBe(text);
    }
    expect(momentOf("yesterday")).toBeNull();
  });
});

describe("a field", () => {
  it("means every path that reads so", () => {
    const event = object('{"a":{"b":1},"a.b":2,"list":[{"b":3},{"b":[4]}]}');
    expect(valuesAt(event, "a.b").map(String)).toEqual(["1", "2"]);
    expect(displayText(valuesAt(event, "list.b"))).toBe("[3,[4]]");
  });
  it("is found under its other names", () => {
    const event = object('{"severity":"warn","log":{"level":"x"},"msg":"m"}');
    expect(fieldOf(event, "level")).toBe("warn");
    expect(fieldOf(event, "message")).toBe("m");
  });
  it("is a leaf of the tree", () => {
    const paths = leavesOf(object('{"a":{"b":{"c":1}},"d":[{"e":1}],"f":{}}')).map(
      ([path]) => path,
    );
    expect(paths).toEqual(["a.b.c", "d", "f"]);
  });
});

it("shows an event without a message by its fields", () => {
  expect(readEvent('{"ts":1772445602,"a":{"b":1},"c":"x"}').message).toBe("a.b=1 c=x");
});

describe("a list of events", () => {
  it("gives each as it was sent, over all pages", () => {
    const events = Array.from({ length: 7 }, (_, index) => `{"n":${index},"m":"ü"}`);
    const list = listOf(events.slice(0, 3), [], events.slice(3, 4), events.slice(4));
    expect(Array.from({ length: list.length }, (_, index) => list.raw(index))).toEqual(events);
    expect(() => list.raw(7)).toThrow(RangeError);
  });
  it("finds the event of a link among those of the same time", () => {
    const time = '"timestamp":"2026-03-02T10:00:00Z"';
    const list = listOf([`{${time},"m":1}`, `{${time},"m":2}`, `{"m":3}`]);
    const link = linkOf(list.event(1));
    expect(findEvent(list, 0, link.at ?? "", link.event ?? null)).toBe(1);
    expect(findEvent(list, 0, link.at ?? "", hashOf("another"))).toBeNull();
  });
});
