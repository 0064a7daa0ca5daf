import { expect, it } from "vitest";
import { type LogEvent, readEvent } from "../events/event";
import type { EventSource } from "../events/eventList";
import { AroundSource } from "./aroundSource";

function source(...raws: string[]): EventSource {
  return {
    length: raws.length,
    raw: (index) => raws[index] ?? "",
    event: (index): LogEvent => readEvent(raws[index] ?? ""),
  };
}

it("puts what was before and what came after in the order of time", () => {
  const around = new AroundSource(source("2", "1"), 2, source("3", "4", "5"), 3);
  expect(Array.from({ length: around.length }, (_, index) => around.raw(index))).toEqual([
    "1",
    "2",
    "3",
    "4",
    "5",
  ]);
});

it("knows where the event itself stands, also among others of its time", () => {
  const around = new AroundSource(source("2", "1"), 2, source("3", "4", "5"), 3);
  expect(around.anchorOf("4")).toBe(3);
  expect(around.anchorOf("1")).toBeNull();
});
