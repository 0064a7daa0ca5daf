/** The OpenID provider at which people sign in, as `GET /v1/auth` tells. */
export interface Provider {
  issuer: string;
  authorizationEndpoint: string;
  tokenEndpoint: string;
  clientId: string;
  scope: string;
}

/** Longest wait for how one signs in; without an answer a key is asked for. */
const TIMEOUT_MS = 5_000;

/** Asks the server; null when people sign in with a key only, or when it does not say. */
export async function askProvider(send: typeof fetch): Promise<Provider | null> {
  try {
    const signal = AbortSignal.timeout(TIMEOUT_MS);
    const answer = await send("/v1/auth", { cache: "no-store", signal });
    return answer.ok ? providerOf(await answer.json()) : null;
  } catch {
    return null;
  }
}

/** The provider in the answer of `GET /v1/auth`; null when there is none that can be used. */
export function providerOf(answer: unknown): Provider | null {
  const { oidc } = (answer ?? {}) as { oidc?: Record<string, unknown> | null };
  const { issuer, authorization_endpoint, token_endpoint, client_id, scope } = oidc ?? {};
  const isWhole =
    typeof issuer === "string" &&
    isWebAddress(authorization_endpoint) &&
    isWebAddress(token_endpoint) &&
    typeof client_id === "string" &&
    typeof scope === "string";
  return isWhole
    ? {
        issuer,
        authorizationEndpoint: authorization_endpoint,
        tokenEndpoint: token_endpoint,
        clientId: client_id,
        scope,
      }
    : null;
}

/** Whether it is an address that a page may be sent to; `javascript:` is not. */
function isWebAddress(text: unknown): text is string {
  return typeof text === "string" && /^https?:$/.test(protocolOf(text));
}

function protocolOf(text: string): string {
  try {
    return new URL(text).protocol;
  } catch {
    return "";
  }
}
