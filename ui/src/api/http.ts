import type { Credential } from "./credential";
import { ApiError, errorOfAnswer, isAbort, UnreachableError } from "./errors";

export interface HttpOptions {
  fetch: typeof fetch;
  credential: Credential;
  sleep: (ms: number, signal?: AbortSignal) => Promise<void>;
}

export interface HttpRequest {
  method?: "GET" | "POST" | "PUT" | "DELETE";
  /** A value that is sent as JSON. */
  body?: unknown;
  /** JSON that is sent as it is, instead of `body`. */
  rawBody?: string;
  signal?: AbortSignal | undefined;
  /** How often it is tried again when the server cannot be reached; 3 unless told. */
  retries?: number;
  /** Nobody waits for it: it is not worth asking for a credential. */
  quiet?: boolean;
}

const FIRST_RETRY_MS = 300;
/** Statuses that say: the same request again, later. */
const TRY_LATER = new Set([502, 503, 504]);
/** Longest wait for a limit that is spent silently, by what only reads. */
const SHORT_WAIT_MS = 5_000;

/** Requests of this origin's API: errors as `ApiError`, retries with backoff, a credential asked for when one is needed. */
export class Http {
  private readonly options: HttpOptions;

  constructor(options: HttpOptions) {
    this.options = options;
  }

  async bytes(path: string, request: HttpRequest = {}): Promise<Uint8Array> {
    const retries = request.retries ?? 3;
    for (let attempt = 0; ; attempt += 1) {
      try {
        return await this.once(path, request);
      } catch (error) {
        const wait = waitAfter(error, attempt, request);
        if (wait === null || attempt >= retries) {
          throw error;
        }
        await this.options.sleep(wait, request.signal);
      }
    }
  }

  async json<T>(path: string, request: HttpRequest = {}): Promise<T> {
    const bytes = await this.bytes(path, request);
    return JSON.parse(new TextDecoder().decode(bytes)) as T;
  }

  private async once(path: string, request: HttpRequest): Promise<Uint8Array> {
    for (;;) {
      const { credential } = this.options;
      const used = await credential.settled();
      const declined = credential.declined();
      const response = await this.send(path, request, used);
      if (response.status === 401) {
        const error = await errorOf(response);
        if (request.quiet || !(await credential.ask(used, error, declined))) {
          throw error;
        }
        continue;
      }
      if (TRY_LATER.has(response.status)) {
        const { message, retryAfterMs } = await errorOf(response);
        throw new UnreachableError(message, retryAfterMs);
      }
      if (!response.ok) {
        throw await errorOf(response);
      }
      return new Uint8Array(await this.reading(response.arrayBuffer()));
    }
  }

  private send(path: string, request: HttpRequest, credential: string | null): Promise<Response> {
    const headers: Record<string, string> = {};
    const init: RequestInit = { method: request.method ?? "GET", headers, cache: "no-store" };
    const body = request.rawBody ?? JSON.stringify(request.body);
    if (body !== undefined) {
      headers["content-type"] = "application/json";
      init.body = body;
    }
    if (credential !== null) {
      headers.authorization = `Bearer ${credential}`;
    }
    if (request.signal) {
      init.signal = request.signal;
    }
    return this.reading(this.options.fetch(path, init));
  }

  /** Failures of the connection, which browsers tell as a `TypeError`, get their own name. */
  private async reading<T>(pending: Promise<T>): Promise<T> {
    try {
      return await pending;
    } catch (error) {
      if (isAbort(error)) {
        throw error;
      }
      throw new UnreachableError("the server cannot be reached");
    }
  }
}

async function errorOf(response: Response): Promise<ApiError> {
  return errorOfAnswer(response.status, await response.text(), response.headers.get("retry-after"));
}

/** How long to wait before the same request is sent again; null when it is not. */
function waitAfter(error: unknown, attempt: number, request: HttpRequest): number | null {
  if (error instanceof UnreachableError) {
    return error.retryAfterMs ?? FIRST_RETRY_MS * 2 ** attempt;
  }
  const onlyReads = request.method === undefined || request.method === "GET";
  const isLimited = error instanceof ApiError && error.status === 429 && onlyReads;
  return isLimited && error.retryAfterMs !== null && error.retryAfterMs <= SHORT_WAIT_MS
    ? error.retryAfterMs
    : null;
}

/** Waits; ends early with an `AbortError` when `signal` is aborted. */
export function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const abort = () => {
      clearTimeout(timer);
      reject(new DOMException("aborted", "AbortError"));
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", abort);
      resolve();
    }, ms);
    if (signal?.aborted) {
      abort();
    }
    signal?.addEventListener("abort", abort, { once: true });
  });
}
