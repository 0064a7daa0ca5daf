import { readFieldValues, readSearchAnswer, readTailAnswer } from "./answers";
import type { Http } from "./http";
import type {
  ContextSearches,
  FieldList,
  FieldValues,
  Plan,
  SavedSearch,
  SearchAnswer,
  SearchRequest,
  SearchStatus,
  StoreStatus,
  TailAnswer,
} from "./types";

export interface PollOptions {
  cursor?: string | undefined;
  wait?: string;
  seen?: number | undefined;
  signal?: AbortSignal;
}

export interface Range {
  from?: string | undefined;
  to?: string | undefined;
}

/** The routes of the API, typed. */
export class Client {
  private readonly http: Http;

  constructor(http: Http) {
    this.http = http;
  }

  startSearch(request: SearchRequest, signal?: AbortSignal): Promise<{ id: string }> {
    return this.http.json("/v1/searches", { method: "POST", body: request, signal });
  }

  async explain(request: SearchRequest): Promise<Plan> {
    const body = { ...request, explain: true };
    const answer = await this.http.json<{ plan: Plan }>("/v1/searches", { method: "POST", body });
    return answer.plan;
  }

  /** One poll, without retries: who polls decides what a lost server means. */
  async pollSearch(id: string, options: PollOptions = {}): Promise<SearchAnswer> {
    const path = withParameters(`/v1/searches/${id}`, {
      cursor: options.cursor,
      wait: options.wait,
      seen: options.seen?.toString(),
    });
    return readSearchAnswer(await this.http.bytes(path, { signal: options.signal, retries: 0 }));
  }

  cancelSearch(id: string): Promise<{ id: string; status: SearchStatus }> {
    return this.http.json(`/v1/searches/${id}`, { method: "DELETE" });
  }

  fields(range: Range): Promise<FieldList> {
    return this.http.json(withParameters("/v1/fields", { ...range }));
  }

  async fieldValues(
    field: string,
    prefix: string,
    range: Range,
    limit = 20,
    query?: string,
  ): Promise<FieldValues> {
    const path = withParameters(`/v1/fields/${encodeURIComponent(field)}/values`, {
      prefix: prefix || undefined,
      ...range,
      limit: limit.toString(),
      query: query || undefined,
    });
    return { field, ...readFieldValues(await this.http.bytes(path)) };
  }

  parseQuery(query: string): Promise<{ output: "events" | "table" }> {
    const request = { method: "POST", body: { query }, retries: 0, quiet: true } as const;
    return this.http.json("/v1/queries/parse", request);
  }

  /** `event` is the event's JSON as it was given. */
  context(
    event: string,
    options: { fields?: string[]; query?: string; limit: number },
  ): Promise<ContextSearches> {
    const given = `{"event":${event},${JSON.stringify(options).slice(1)}`;
    return this.http.json("/v1/context", { method: "POST", rawBody: given });
  }

  async tail(
    query: string,
    cursor: string | undefined,
    wait: string,
    limit: number,
    signal: AbortSignal,
  ): Promise<TailAnswer> {
    const path = withParameters("/v1/tail", { query, cursor, wait, limit: limit.toString() });
    return readTailAnswer(await this.http.bytes(path, { signal, retries: 0 }));
  }

  async saved(): Promise<SavedSearch[]> {
    return (await this.http.json<{ saved: SavedSearch[] }>("/v1/saved")).saved;
  }

  save(search: Omit<SavedSearch, "updated">): Promise<unknown> {
    const { name, ...body } = search;
    return this.http.json(`/v1/saved/${encodeURIComponent(name)}`, { method: "PUT", body });
  }

  deleteSaved(name: string): Promise<unknown> {
    return this.http.json(`/v1/saved/${encodeURIComponent(name)}`, { method: "DELETE" });
  }

  status(): Promise<StoreStatus> {
    return this.http.json("/v1/status");
  }

  health(): Promise<{ status: string; version: string }> {
    return this.http.json("/v1/health");
  }
}

function withParameters(path: string, values: Record<string, string | undefined>): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(values)) {
    if (value !== undefined) {
      parameters.set(name, value);
    }
  }
  const text = parameters.toString();
  return text ? `${path}?${text}` : path;
}
