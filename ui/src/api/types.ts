// The shapes of the HTTP API, by the names it gives them.
import type { JsonScalar } from "../json/value";

export type SortOrder = "desc" | "asc";
export type SearchStatus = "running" | "complete" | "partial" | "failed" | "cancelled";

export interface SearchRequest {
  query: string;
  from?: string;
  to?: string;
  limit: number;
  order: SortOrder;
  histogram?: { by?: string; buckets: number };
  facets?: (string | { field: string; limit: number })[];
}

export interface Progress {
  tasks_done: number;
  tasks_total: number;
  bytes_read: number;
  granules_total: number;
  granules_read: number;
  events_matched: number;
}

export interface HistogramBucket {
  start: string;
  count: number;
  by?: Record<string, number>;
}

export interface Histogram {
  interval_ms: number;
  by: string | null;
  complete: boolean;
  buckets: HistogramBucket[];
}

export interface FacetValue {
  value: JsonScalar;
  count: number;
}

export interface Facet {
  field: string;
  complete: boolean;
  approximate: boolean;
  values: FacetValue[];
  events_with: number;
  distinct: number;
}

export interface Aggregates {
  columns: string[];
  rows: JsonScalar[][];
}

export interface Timing {
  plan_ms: number | null;
  first_page_ms: number | null;
  total_ms: number | null;
}

export interface Estimate {
  segments: number;
  bytes: number;
  usd: number;
}

export interface Cost {
  gets: number;
  bytes: number;
  gb_seconds: number;
  usd: number;
}

/** One page of events in the bytes that were received; `bounds` are start, end, start, end … */
export interface EventPage {
  bytes: Uint8Array;
  bounds: Uint32Array;
}

export interface SearchAnswer {
  id: string;
  status: SearchStatus;
  version: number;
  progress: Progress;
  page: EventPage;
  aggregates: Aggregates | null;
  histogram: Histogram | null;
  facets: Facet[] | null;
  next_cursor: string | null;
  more_cursor: string | null;
  missing: string[];
  error: { code: string; message: string } | null;
  timing: Timing | null;
  estimate: Estimate | null;
  cost: Cost | null;
}

export interface Plan {
  segments_in_range: number;
  segments_to_read: number;
  tasks: number;
  tail_shards: number;
  granules_total: number;
  granules_to_read: number;
  bytes_to_read: number;
  bytes_most: number;
  usd_most: number;
  is_estimate: boolean;
  index_terms: string[];
  missing?: string[];
}

export interface FieldInfo {
  name: string;
  types: Record<string, number>;
}

export interface FieldList {
  events: number;
  fields: FieldInfo[];
  missing: string[];
}

export interface FieldValues {
  field: string;
  values: FacetValue[];
  complete: boolean;
}

export interface ContextSearches {
  fields: string[];
  before: { id: string };
  after: { id: string };
}

export interface TailAnswer {
  page: EventPage;
  cursor: string;
  missed: number;
  gap: string | null;
}

export interface SavedSearch {
  name: string;
  query: string;
  from: string | null;
  to: string | null;
  columns: string[];
  updated: string;
}

export interface StoreStatus {
  tail_events: number;
  segments: number;
  events: number;
  stored_bytes: number;
  index_bytes: number;
  raw_bytes: number;
  dead_letters: number;
}
