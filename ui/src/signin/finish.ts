import type { PendingSignIn, Returned } from "./pending";

/** Longest wait for the provider's token. */
const TIMEOUT_MS = 15_000;

/** Changes the code that the provider sent for a token; fails with a message for people. */
export async function finishSignIn(returned: Returned, send: typeof fetch): Promise<string> {
  const { answer, pending } = returned;
  // What an address says is believed, and shown, only if the provider was sent for it from here.
  if (!pending) {
    throw new Error("the address is of a sign-in that was not begun in this tab");
  }
  if (answer.state !== pending.state) {
    throw new Error("the provider's answer is not the one to the sign-in that was begun here");
  }
  if (answer.issuer !== null && answer.issuer !== pending.provider.issuer) {
    throw new Error("another provider answered than the one that was asked");
  }
  if (answer.error !== null || answer.code === null) {
    throw new Error(providerSays(answer.error ?? "no code", answer.description));
  }
  return tokenOf(await exchange(answer.code, pending, send));
}

async function exchange(
  code: string,
  pending: PendingSignIn,
  send: typeof fetch,
): Promise<Record<string, unknown>> {
  const { provider } = pending;
  const { host } = new URL(provider.tokenEndpoint);
  let answer: Response;
  try {
    answer = await send(provider.tokenEndpoint, {
      method: "POST",
      headers: { accept: "application/json" },
      body: new URLSearchParams({
        grant_type: "authorization_code",
        code,
        redirect_uri: pending.redirectUri,
        client_id: provider.clientId,
        code_verifier: pending.verifier,
      }),
      credentials: "omit",
      cache: "no-store",
      redirect: "error",
      referrerPolicy: "no-referrer",
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
  } catch {
    throw new Error(`${host} did not give a token: it cannot be reached from this page`);
  }
  const body = (await answer.json().catch(() => null)) as Record<string, unknown> | null;
  if (!answer.ok) {
    throw new Error(refusalIn(body) ?? `${host} did not give a token: status ${answer.status}`);
  }
  return body ?? {};
}

/** The token to send: the access token if the server can read it, which takes a JWT, else the ID token. */
function tokenOf(body: Record<string, unknown>): string {
  const tokens = [body.access_token, body.id_token];
  const token = tokens.find((each) => typeof each === "string" && isJwt(each));
  if (typeof token !== "string") {
    throw new Error("the provider gave no token that this server can read: expected a JWT");
  }
  return token;
}

/** Whether a text is a signed JSON Web Token: three parts, the first of them an object in JSON. */
export function isJwt(text: string): boolean {
  const [head, ...rest] = text.split(".");
  if (rest.length !== 2 || ![head, ...rest].every((part) => /^[\w-]+$/.test(part ?? ""))) {
    return false;
  }
  try {
    const header: unknown = JSON.parse(
      atob((head ?? "").replaceAll("-", "+").replaceAll("_", "/")),
    );
    return typeof (header as { alg?: unknown } | null)?.alg === "string";
  } catch {
    return false;
  }
}

/** Why there is no token: as a provider says it, by RFC 6749, or as the server does. */
function refusalIn(body: Record<string, unknown> | null): string | null {
  const { error, error_description: description } = body ?? {};
  if (typeof error === "string") {
    return providerSays(error, typeof description === "string" ? description : null);
  }
  const message = (error as { message?: unknown } | undefined)?.message;
  return typeof message === "string" ? message : null;
}

function providerSays(error: string, description: string | null): string {
  const what = error === "access_denied" ? "the sign-in was refused or given up" : error;
  return description ? `${what} (${description})` : what;
}
