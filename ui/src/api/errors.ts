/** An error that the server answered with. */
export class ApiError extends Error {
  readonly status: number;
  readonly code: string;
  readonly detail: unknown;
  /** When to come again, if the answer says so. */
  readonly retryAfterMs: number | null;

  constructor(
    status: number,
    code: string,
    message: string,
    detail: unknown = null,
    retryAfterMs: number | null = null,
  ) {
    super(message);
    this.name = "ApiError";
    this.status = status;
    this.code = code;
    this.detail = detail;
    this.retryAfterMs = retryAfterMs;
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
export function errorOfAnswer(status: number, body: string, retryAfter: string | null): ApiError {
  const headerMs = msOf(Number(retryAfter));
  try {
    const error = (JSON.parse(body) as { error?: Record<string, unknown> }).error;
    if (error && typeof error.message === "string") {
      const detail = (error.detail ?? null) as { retry_after_seconds?: unknown } | null;
      const retryAfterMs = msOf(detail?.retry_after_seconds) ?? headerMs;
      return new ApiError(status, String(error.code), error.message, detail, retryAfterMs);
    }
  } catch {
    // Not JSON: something between here and the server answered.
  }
  const message = `the server answered with status ${status}`;
  return new ApiError(status, "unexpected_answer", message, null, headerMs);
}

function msOf(seconds: unknown): number | null {
  return typeof seconds === "number" && seconds > 0 ? seconds * 1000 : null;
}
