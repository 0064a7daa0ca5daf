import { parse } from "./syntax";

const AGGREGATES = ["Stats", "Timechart", "Top"];

/** What a query's result looks like: events, or the table of an aggregate. */
export function outputOf(query: string): "events" | "table" {
  let output: "events" | "table" = "events";
  parse(query).iterate({
    enter(node) {
      if (AGGREGATES.includes(node.name)) output = "table";
    },
  });
  return output;
}
