import { formatBytes, formatCount } from "../common/format";
import { ApiError } from "./errors";

/** An error in a sentence for people; when to try again stands apart. */
export function explain(error: unknown): string {
  if (!(error instanceof ApiError)) {
    return error instanceof Error ? error.message : String(error);
  }
  return refusalOf(error) ?? error.message;
}

/** An error in words, with when to try again. */
export function messageOf(error: unknown): string {
  const retryAfterMs = error instanceof ApiError ? error.retryAfterMs : null;
  const message = explain(error);
  return retryAfterMs === null || /try again in/.test(message)
    ? message
    : `${message}; try again in ${waitWords(retryAfterMs)}`;
}

/** How long a wait is: `12 s`, `5 min`, `3 h 20 min`. */
export function waitWords(ms: number): string {
  const seconds = Math.max(0, Math.ceil(ms / 1000));
  if (seconds < 60) {
    return `${seconds} s`;
  }
  const minutes = Math.ceil(seconds / 60);
  const [hours, rest] = [Math.floor(minutes / 60), minutes % 60];
  return [...(hours > 0 ? [`${hours} h`] : []), ...(rest > 0 ? [`${rest} min`] : [])].join(" ");
}

/** What a limit or a missing right means, by the numbers of the answer; null for other errors. */
function refusalOf({ code, detail, message }: ApiError): string | null {
  const { limit, used, unit, scope } = (detail ?? {}) as Record<string, unknown>;
  if (code === "forbidden") {
    const needed =
      typeof scope === "string" ? scope : /needs the scope ([\w:-]+)/.exec(message)?.[1];
    return needed ? `this needs the scope ${needed}, which your key or sign-in lacks` : null;
  }
  if (typeof limit !== "number") {
    return null;
  }
  switch (code) {
    case "rate_limited":
      return `the limit of ${formatCount(limit)} ${typeof unit === "string" ? unit : "a second"} is used up`;
    case "too_many_searches":
      return `${searches(typeof used === "number" ? used : limit)}, and ${formatCount(limit)} may at once`;
    case "scan_limit_reached":
      return typeof used === "number"
        ? `searches have read ${formatBytes(used)} today, and the limit is ${formatBytes(limit)} a day`
        : null;
    default:
      return null;
  }
}

function searches(count: number): string {
  return count === 1 ? "1 search runs" : `${formatCount(count)} searches run`;
}
