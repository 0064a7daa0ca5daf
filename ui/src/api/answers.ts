// Reads answers in which events or values have to stay as they were sent.
import { parseJson } from "../json/parse";
import { arrayElements, objectMembers, type Span, textOf } from "../json/scan";
import { isScalar, JsonObject, type JsonScalar, type JsonValue, stringify } from "../json/value";
import type { Aggregates, EventPage, Facet, FacetValue, SearchAnswer, TailAnswer } from "./types";

const NO_PROGRESS = {
  tasks_done: 0,
  tasks_total: 0,
  bytes_read: 0,
  granules_total: 0,
  granules_read: 0,
  events_matched: 0,
};

export function readSearchAnswer(bytes: Uint8Array): SearchAnswer {
  const members = new Members(bytes);
  return {
    id: members.plain<string>("id", ""),
    status: members.plain("status", "running"),
    version: members.plain("version", 0),
    progress: members.plain("progress", NO_PROGRESS),
    page: members.events(),
    aggregates: aggregatesOf(members.exact("aggregates")),
    histogram: members.plain("histogram", null),
    facets: facetsOf(members.exact("facets")),
    next_cursor: members.plain("next_cursor", null),
    more_cursor: members.plain("more_cursor", null),
    missing: members.plain<string[]>("missing", []),
    error: members.plain("error", null),
    timing: members.plain("timing", null),
    estimate: members.plain("estimate", null),
    cost: members.plain("cost", null),
  };
}

export function readTailAnswer(bytes: Uint8Array): TailAnswer {
  const members = new Members(bytes);
  return {
    page: members.events(),
    cursor: members.plain<string>("cursor", ""),
    missed: members.plain("missed", 0),
    gap: members.plain("gap", null),
  };
}

/** The values with counts of an answer about a field. */
export function readFieldValues(bytes: Uint8Array): { values: FacetValue[]; complete: boolean } {
  const members = new Members(bytes);
  return {
    values: facetValues(members.exact("values")),
    complete: members.plain("complete", true),
  };
}

class Members {
  private readonly bytes: Uint8Array;
  private readonly spans: Map<string, Span>;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.spans = objectMembers(bytes);
  }

  /** A member in which numbers may be read as JavaScript reads them. */
  plain<T>(name: string, absent: T): T {
    const span = this.spans.get(name);
    return span ? ((JSON.parse(textOf(this.bytes, span)) as T | null) ?? absent) : absent;
  }

  /** A member whose numbers keep their spelling. */
  exact(name: string): JsonValue {
    const span = this.spans.get(name);
    return span ? parseJson(textOf(this.bytes, span)) : null;
  }

  events(): EventPage {
    const span = this.spans.get("events");
    if (!span) {
      return { bytes: new Uint8Array(0), bounds: new Uint32Array(0) };
    }
    const own = this.bytes.slice(span.start, span.end);
    return { bytes: own, bounds: arrayElements(own) };
  }
}

function aggregatesOf(value: JsonValue): Aggregates | null {
  if (!(value instanceof JsonObject)) {
    return null;
  }
  const columns = value.get("columns");
  const rows = value.get("rows");
  return {
    columns: Array.isArray(columns) ? columns.map(String) : [],
    rows: Array.isArray(rows)
      ? rows.map((row) => (Array.isArray(row) ? row.map(scalarOf) : []))
      : [],
  };
}

function facetsOf(value: JsonValue): Facet[] | null {
  if (!Array.isArray(value)) {
    return null;
  }
  return value
    .filter((facet) => facet instanceof JsonObject)
    .map((facet) => ({
      field: String(facet.get("field")),
      complete: facet.get("complete") === true,
      approximate: facet.get("approximate") === true,
      values: facetValues(facet.get("values") ?? null),
      events_with: Number(facet.get("events_with") ?? 0),
      distinct: Number(facet.get("distinct") ?? 0),
    }));
}

function facetValues(value: JsonValue): FacetValue[] {
  if (!Array.isArray(value)) {
    return [];
  }
  return value
    .filter((item) => item instanceof JsonObject)
    .map((item) => ({
      value: scalarOf(item.get("value") ?? null),
      count: Number(item.get("count") ?? 0),
    }));
}

function scalarOf(value: JsonValue): JsonScalar {
  return isScalar(value) ? value : stringify(value);
}
