/** An error that the server answered with. */
export class ApiError extends Error {
  readonly status: number;
  readonly code: string;
  readonly detail: unknown;

  constructor(status: number, code: string, message: string, detail: unknown = null) {
    super(message);
    this.name = "ApiError";
    this.status = status;
    this.code = code;
    this.detail = detail;
  }

  /** The column of a query at which it went wrong, from 1. */
  get column(): number | null {
    const column = (this.detail as { column?: unknown } | null)?.column;
    return typeof column === "number" ? column : null;
  }

  /** What was expected at that column. */
  get expected(): string | null {
    const expected = (this.detail as { expected?: unknown } | null)?.expected;
    return typeof expected === "string" ? expected : null;
  }
}

/** The server did not answer, or said that it cannot now. */
export class UnreachableError extends Error {
  readonly retryAfterMs: number | null;

  constructor(message: string, retryAfterMs: number | null = null) {
    super(message);
    this.name = "UnreachableError";
    this.retryAfterMs = retryAfterMs;
  }
}

export function isAbort(error: unknown): boolean {
  return error instanceof DOMException && error.name === "AbortError";
}

/** The server's errors as `{"error":{code,message,detail}}`; whatever else came is told as it is. */
export function errorOfAnswer(status: number, body: string): ApiError {
  try {
    const error = (JSON.parse(body) as { error?: Record<string, unknown> }).error;
    if (error && typeof error.message === "string") {
      return new ApiError(status, String(error.code), error.message, error.detail ?? null);
    }
  } catch {
    // Not JSON: something between here and the server answered.
  }
  return new ApiError(status, "unexpected_answer", `the server answered with status ${status}`);
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
