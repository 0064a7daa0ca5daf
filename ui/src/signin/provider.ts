/** The OpenID provider at which people sign in, as `GET /v1/auth` tells. */
export interface Provider {
  issuer: string;
  authorizationEndpoint: string;
  /** Where a code is changed for a token: at the server itself, or at the provider. */
  tokenEndpoint: string;
  clientId: string;
  scope: string;
}

/** Longest wait for how one signs in; without an answer a key is asked for. */
const TIMEOUT_MS = 5_000;

/** Asks the server; null when people sign in with a key only, or when it does not say. */
export async function askProvider(send: typeof fetch, origin: string): Promise<Provider | null> {
  try {
    const signal = AbortSignal.timeout(TIMEOUT_MS);
    const answer = await send("/v1/auth", { cache: "no-store", signal });
    return answer.ok ? providerOf(await answer.json(), origin) : null;
  } catch {
    return null;
  }
}

/** The provider in the answer of `GET /v1/auth` of `origin`; null when there is none that can be used. */
export function providerOf(answer: unknown, origin: string): Provider | null {
  const { oidc } = (answer ?? {}) as { oidc?: Record<string, unknown> | null };
  const { issuer, authorization_endpoint, token_endpoint, client_id, scope } = oidc ?? {};
  const authorizationEndpoint = webAddress(authorization_endpoint, undefined);
  const tokenEndpoint = webAddress(token_endpoint, origin);
  const isWhole =
    typeof issuer === "string" && typeof client_id === "string" && typeof scope === "string";
  return isWhole && authorizationEndpoint !== null && tokenEndpoint !== null
    ? { issuer, authorizationEndpoint, tokenEndpoint, clientId: client_id, scope }
    : null;
}

/** An address that a page may be sent to; null for others, such as `javascript:`. */
function webAddress(text: unknown, base: string | undefined): string | null {
  try {
    const address = new URL(String(text), base);
    return /^https?:$/.test(address.protocol) && typeof text === "string" ? address.href : null;
  } catch {
    return null;
  }
}
