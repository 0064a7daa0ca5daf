import { keepPending } from "./pending";
import { canChallenge, challengeOf, randomText } from "./pkce";
import type { Provider } from "./provider";

/** Keeps what the way back needs, and gives the address of the provider to go to. */
export async function beginSignIn(
  provider: Provider,
  location: Pick<Location, "origin" | "pathname" | "search" | "hash">,
  storage: Pick<Storage, "setItem">,
): Promise<string> {
  if (!canChallenge()) {
    throw new Error("this page came over plain HTTP, and browsers sign in from HTTPS only");
  }
  const pending = {
    provider,
    state: randomText(),
    verifier: randomText(),
    redirectUri: `${location.origin}/`,
    returnTo: location.pathname + location.search + location.hash,
  };
  keepPending(storage, pending);
  const address = new URL(provider.authorizationEndpoint);
  const parameters = {
    response_type: "code",
    client_id: provider.clientId,
    redirect_uri: pending.redirectUri,
    scope: provider.scope,
    state: pending.state,
    code_challenge: await challengeOf(pending.verifier),
    code_challenge_method: "S256",
  };
  for (const [name, value] of Object.entries(parameters)) {
    address.searchParams.set(name, value);
  }
  return address.href;
}
