import type { Provider } from "./provider";

const STORAGE_KEY = "trawl.sign-in";

/** A sign-in that was begun in this tab, until the provider sends the browser back. */
export interface PendingSignIn {
  provider: Provider;
  state: string;
  verifier: string;
  redirectUri: string;
  /** Path, query and fragment of the view to come back to. */
  returnTo: string;
}

/** What the provider added to the address. */
export interface ProviderAnswer {
  code: string | null;
  state: string | null;
  error: string | null;
  description: string | null;
  /** The issuer by RFC 9207; few say it. */
  issuer: string | null;
}

export interface Returned {
  answer: ProviderAnswer;
  pending: PendingSignIn | null;
}

export function keepPending(storage: Pick<Storage, "setItem">, pending: PendingSignIn): void {
  storage.setItem(STORAGE_KEY, JSON.stringify(pending));
}

/**
 * What the provider answered, when the browser just came back from it, and the sign-in that was begun, which counts
 * once. The address is that of the view again, without the code.
 */
export function takeReturn(window: Window): Returned | null {
  const answer = answerOf(window.location.search);
  if (!answer) {
    return null;
  }
  const { sessionStorage, history, location } = window;
  const kept = sessionStorage.getItem(STORAGE_KEY);
  sessionStorage.removeItem(STORAGE_KEY);
  const pending = kept === null ? null : (JSON.parse(kept) as PendingSignIn);
  history.replaceState({ steps: 0 }, "", pending?.returnTo ?? location.pathname);
  return { answer, pending };
}

/** The answer in an address; null when it holds none: views have neither a `state` nor a `code`. */
export function answerOf(search: string): ProviderAnswer | null {
  const parameters = new URLSearchParams(search);
  const answer = {
    code: parameters.get("code"),
    state: parameters.get("state"),
    error: parameters.get("error"),
    description: parameters.get("error_description"),
    issuer: parameters.get("iss"),
  };
  const isView = parameters.has("q");
  return !isView && (answer.error !== null || (answer.code !== null && answer.state !== null))
    ? answer
    : null;
}
