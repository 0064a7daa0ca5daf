// Proof Key for Code Exchange, RFC 7636, with the method S256.

/** Random bytes of a verifier and of a state: 32 are what RFC 7636 recommends. */
const RANDOM_BYTES = 32;

/** A text of 43 characters that nobody can guess; it serves as verifier and as state. */
export function randomText(): string {
  return base64Url(crypto.getRandomValues(new Uint8Array(RANDOM_BYTES)));
}

/** What the provider is told of a verifier beforehand: its SHA-256. */
export async function challengeOf(verifier: string): Promise<string> {
  const hash = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(verifier));
  return base64Url(new Uint8Array(hash));
}

/** Browsers hash for pages that came over HTTPS or from the machine itself only. */
export function canChallenge(): boolean {
  return typeof crypto.subtle?.digest === "function";
}

function base64Url(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replaceAll("=", "");
}
