import type { SortOrder } from "../api/types";

/** What a view shows; all of it is in the address, so that a link reproduces the view. */
export interface ViewState {
  /** The query that was asked for; null: none yet, and nothing runs. */
  query: string | null;
  /** As the API takes them: RFC 3339 or an offset such as `-15m`; null is open. */
  from: string | null;
  to: string | null;
  order: SortOrder;
  columns: string[];
  wrap: boolean;
  /** The field by which the histogram is stacked. */
  by: string;
  /** `local`, `UTC` or an IANA name. */
  zone: string;
  tail: boolean;
  /** The timestamp of the event that a permalink points at. */
  at: string | null;
  /** Which of the events of that timestamp: a hash of the event as it was sent. */
  event: string | null;
}

export const DEFAULT_COLUMNS: readonly string[] = ["service", "message"];

export const START_VIEW: ViewState = {
  query: null,
  from: null,
  to: null,
  order: "desc",
  columns: [...DEFAULT_COLUMNS],
  wrap: false,
  by: "level",
  zone: "local",
  tail: false,
  at: null,
  event: null,
};

/** The view that an address stands for; what it does not say is as at the start. */
export function viewOf(search: string): ViewState {
  const parameters = new URLSearchParams(search);
  const columns = parameters.getAll("col").filter((name) => name !== "");
  return {
    query: parameters.get("q"),
    from: parameters.get("from") || null,
    to: parameters.get("to") || null,
    order: parameters.get("order") === "asc" ? "asc" : "desc",
    columns: columns.length > 0 ? [...new Set(columns)] : [...DEFAULT_COLUMNS],
    wrap: parameters.get("wrap") === "1",
    by: parameters.get("by") ?? START_VIEW.by,
    zone: zoneOf(parameters.get("tz")),
    tail: parameters.get("tail") === "1",
    at: parameters.get("at") || null,
    event: parameters.get("event") || null,
  };
}

/** The address of a view, beginning with `?`, or "" for the start. */
export function searchOf(view: ViewState): string {
  const parameters = new URLSearchParams();
  const set = (name: string, value: string | null, absent: string | null = null) => {
    if (value !== null && value !== absent) {
      parameters.set(name, value);
    }
  };
  set("q", view.query);
  set("from", view.from);
  set("to", view.to);
  set("order", view.order, START_VIEW.order);
  if (view.columns.join("\n") !== DEFAULT_COLUMNS.join("\n")) {
    for (const column of view.columns) {
      parameters.append("col", column);
    }
  }
  set("wrap", view.wrap ? "1" : null);
  set("by", view.by, START_VIEW.by);
  set("tz", view.zone, START_VIEW.zone);
  set("tail", view.tail ? "1" : null);
  set("at", view.at);
  set("event", view.event);
  const text = parameters.toString();
  return text ? `?${text}` : "";
}

function zoneOf(text: string | null): string {
  if (!text || text === "local") {
    return "local";
  }
  try {
    return new Intl.DateTimeFormat("en", { timeZone: text }) && text;
  } catch {
    return "local";
  }
}
