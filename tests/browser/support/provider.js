import { createHash, generateKeyPairSync, randomUUID, sign } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";

const CLIENT = "trawl-ui";
const KEY_ID = "k1";
const LIFETIME_S = 600;

/** A small OpenID provider that lets everybody in: as much of one as the page and the server talk to. */
export class IdentityProvider {
  #http;
  #keys = generateKeyPairSync("ec", { namedCurve: "P-256" });
  /** Codes that were given, until they are used: what each was asked for with. */
  #codes = new Map();
  /** Addresses of the authorization endpoint that browsers went to. */
  asked = [];
  /** What the token endpoint answered, as statuses. */
  answered = [];
  /** Claims of the tokens, beyond the usual. */
  claims = {};
  /** How the next sign-in goes: `grant`, `deny`, `other-state`, `other-verifier`, `opaque`. */
  next = "grant";

  static async start() {
    const provider = new IdentityProvider();
    provider.#http = createServer((request, response) => {
      void provider.#handle(request, response);
    });
    provider.#http.listen(0, "127.0.0.1");
    await once(provider.#http, "listening");
    return provider;
  }

  get issuer() {
    return `http://127.0.0.1:${this.#http.address().port}`;
  }

  async stop() {
    this.#http.closeAllConnections();
    this.#http.close();
    await once(this.#http, "close");
  }

  /** A token that is signed by this provider. */
  token(claims = {}) {
    const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
    const now = Math.floor(Date.now() / 1000);
    const head = part({ alg: "ES256", typ: "JWT", kid: KEY_ID });
    const body = part({
      iss: this.issuer,
      aud: "trawl",
      sub: "ann",
      tenant: "default",
      scope: "openid trawl:search",
      iat: now,
      exp: now + LIFETIME_S,
      ...this.claims,
      ...claims,
    });
    const { privateKey: key } = this.#keys;
    const signature = sign("sha256", `${head}.${body}`, { key, dsaEncoding: "ieee-p1363" });
    return `${head}.${body}.${signature.toString("base64url")}`;
  }

  async #handle(request, response) {
    const { pathname, searchParams } = new URL(request.url, this.issuer);
    switch (`${request.method} ${pathname}`) {
      case "GET /.well-known/openid-configuration":
        return answer(response, 200, {
          issuer: this.issuer,
          authorization_endpoint: `${this.issuer}/authorize`,
          token_endpoint: `${this.issuer}/token`,
          jwks_uri: `${this.issuer}/jwks`,
          response_types_supported: ["code"],
          code_challenge_methods_supported: ["S256"],
        });
      case "GET /jwks": {
        const jwk = this.#keys.publicKey.export({ format: "jwk" });
        return answer(response, 200, { keys: [{ ...jwk, kid: KEY_ID, use: "sig", alg: "ES256" }] });
      }
      case "GET /authorize":
        return this.#authorize(searchParams, response);
      case "POST /token":
        return this.#give(new URLSearchParams(await bodyOf(request)), response);
      default:
        return answer(response, 404, { error: "not_found" });
    }
  }

  #authorize(asked, response) {
    this.asked.push(Object.fromEntries(asked));
    const isWhole =
      asked.get("response_type") === "code" &&
      asked.get("client_id") === CLIENT &&
      asked.get("code_challenge_method") === "S256" &&
      /^[\w-]{43}$/.test(asked.get("code_challenge"));
    if (!isWhole) {
      return answer(response, 400, { error: "invalid_request" });
    }
    const code = randomUUID();
    this.#codes.set(code, { redirectUri: asked.get("redirect_uri"), how: this.next, asked });
    const back = new URL(asked.get("redirect_uri"));
    const parameters =
      this.next === "deny"
        ? { error: "access_denied", error_description: "Ann said no" }
        : { code, iss: this.issuer };
    const state = this.next === "other-state" ? "guessed" : asked.get("state");
    back.search = new URLSearchParams({ ...parameters, state });
    this.next = "grant";
    response.writeHead(302, { location: back.href });
    response.end();
  }

  #give(form, response) {
    const code = this.#codes.get(form.get("code"));
    this.#codes.delete(form.get("code"));
    const hash = createHash("sha256").update(form.get("code_verifier") ?? "");
    const isRight =
      code !== undefined &&
      code.how !== "other-verifier" &&
      form.get("grant_type") === "authorization_code" &&
      form.get("client_id") === CLIENT &&
      form.get("redirect_uri") === code.redirectUri &&
      hash.digest("base64url") === code.asked.get("code_challenge");
    this.answered.push(isRight ? 200 : 400);
    if (!isRight) {
      const error = { error: "invalid_grant", error_description: "the verifier is not the one" };
      return answer(response, 400, error);
    }
    const token = this.token();
    return answer(response, 200, {
      access_token: code.how === "opaque" ? randomUUID() : token,
      id_token: token,
      token_type: "Bearer",
      expires_in: LIFETIME_S,
    });
  }
}

function answer(response, status, body) {
  response.writeHead(status, {
    "content-type": "application/json",
    "access-control-allow-origin": "*",
    "cache-control": "no-store",
  });
  response.end(JSON.stringify(body));
}

async function bodyOf(request) {
  const parts = [];
  for await (const part of request) {
    parts.push(part);
  }
  return Buffer.concat(parts).toString();
}
