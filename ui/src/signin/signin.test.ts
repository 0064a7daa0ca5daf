import { describe, expect, it } from "vitest";
import { Credential } from "../api/credential";
import { beginSignIn } from "./begin";
import { finishSignIn, isJwt } from "./finish";
import { answerOf, type PendingSignIn, takeReturn } from "./pending";
import { challengeOf, randomText } from "./pkce";
import { askProvider, type Provider, providerOf } from "./provider";

const OIDC = {
  issuer: "https://id.example",
  authorization_endpoint: "https://id.example/authorize?realm=a",
  token_endpoint: "https://id.example/token",
  client_id: "trawl-ui",
  scope: "openid trawl:search",
};
const ORIGIN = "https://trawl.example";
const PROVIDER = providerOf({ key_required: true, oidc: OIDC }, ORIGIN) as Provider;
const HERE = { origin: ORIGIN, pathname: "/", search: "?q=a%26b&at=1", hash: "" };

class Kept implements Pick<Storage, "getItem" | "setItem" | "removeItem"> {
  readonly items = new Map<string, string>();
  getItem = (name: string) => this.items.get(name) ?? null;
  setItem = (name: string, value: string) => void this.items.set(name, value);
  removeItem = (name: string) => void this.items.delete(name);
}

/** A window at an address, with what the tab keeps. */
function windowAt(search: string, sessionStorage: Kept) {
  const shown: string[] = [];
  const made = {
    location: { pathname: "/", search },
    sessionStorage,
    history: { replaceState: (_state: unknown, _title: string, url: string) => shown.push(url) },
  };
  return { window: made as unknown as Window, shown };
}

async function begun() {
  const kept = new Kept();
  const address = new URL(await beginSignIn(PROVIDER, HERE, kept));
  const pending = JSON.parse([...kept.items.values()][0] ?? "") as PendingSignIn;
  return { kept, address, pending };
}

const jwt = (claims: object) => {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
  return `${part({ alg: "ES256" })}.${part(claims)}.c2ln`;
};

/** A provider that answers its token endpoint so. */
function tokens(status: number, body: unknown) {
  const asked: { url: string; form: URLSearchParams; init: RequestInit }[] = [];
  const send = async (url: unknown, init: RequestInit = {}) => {
    asked.push({ url: String(url), form: init.body as URLSearchParams, init });
    return new Response(JSON.stringify(body), { status });
  };
  return { asked, send: send as typeof fetch };
}

const answer = (pending: PendingSignIn, part = {}) => ({
  code: "c0de",
  state: pending.state,
  error: null,
  description: null,
  issuer: null,
  ...part,
});

describe("the proof key", () => {
  it("has the challenge of RFC 7636, appendix B", async () => {
    const challenge = await challengeOf("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
    expect(challenge).toBe("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
  });
  it("is another each time, in the characters that are allowed", () => {
    const made = Array.from({ length: 50 }, randomText);
    expect(new Set(made).size).toBe(50);
    expect(made.every((text) => /^[\w-]{43}$/.test(text))).toBe(true);
  });
});

describe("how one signs in", () => {
  it("is with a key where the server names no provider, or does not say", async () => {
    const says = (status: number, body: string) => async () => new Response(body, { status });
    expect(await askProvider(says(200, '{"key_required":true,"oidc":null}'), ORIGIN)).toBeNull();
    expect(await askProvider(says(404, "{}"), ORIGIN)).toBeNull();
    expect(await askProvider(says(200, "<html>"), ORIGIN)).toBeNull();
    const away = async () => {
      throw new TypeError("failed to fetch");
    };
    expect(await askProvider(away, ORIGIN)).toBeNull();
    const whole = says(200, JSON.stringify({ key_required: true, oidc: OIDC }));
    expect(await askProvider(whole, ORIGIN)).toEqual(PROVIDER);
  });
  it("may have its codes changed by the server itself", () => {
    const oidc = { ...OIDC, token_endpoint: "/v1/auth/token" };
    const tokenEndpoint = "https://trawl.example/v1/auth/token";
    expect(providerOf({ oidc }, ORIGIN)).toEqual({ ...PROVIDER, tokenEndpoint });
    const relative = { ...OIDC, authorization_endpoint: "/authorize" };
    expect(providerOf({ oidc: relative }, ORIGIN)).toBeNull();
  });
  it("is never at an address that is a script, or with half of what it takes", () => {
    for (const part of [
      { authorization_endpoint: "javascript:alert(1)" },
      { token_endpoint: "data:text/plain,x" },
      { client_id: null },
      { scope: undefined },
    ]) {
      expect(providerOf({ oidc: { ...OIDC, ...part } }, ORIGIN)).toBeNull();
    }
    expect(providerOf(null, ORIGIN)).toBeNull();
  });
});

describe("the way to the provider", () => {
  it("names the challenge and the state, and keeps what the way back needs", async () => {
    const { address, pending } = await begun();
    expect(address.origin + address.pathname).toBe("https://id.example/authorize");
    expect(Object.fromEntries(address.searchParams)).toEqual({
      realm: "a",
      response_type: "code",
      client_id: "trawl-ui",
      redirect_uri: "https://trawl.example/",
      scope: "openid trawl:search",
      state: pending.state,
      code_challenge: await challengeOf(pending.verifier),
      code_challenge_method: "S256",
    });
    expect(pending.returnTo).toBe("/?q=a%26b&at=1");
    expect(address.href).not.toContain(pending.verifier);
  });
});

describe("the way back", () => {
  it("is told from a view by its parameters", () => {
    expect(answerOf("?code=a&state=b")).toMatchObject({ code: "a", state: "b" });
    expect(answerOf("?error=access_denied&state=b")).toMatchObject({ error: "access_denied" });
    for (const view of ["", "?q=x&code=a&state=b", "?code=a", "?state=b"]) {
      expect(answerOf(view)).toBeNull();
    }
  });
  it("leads to the view one came from, once", async () => {
    const { kept, pending } = await begun();
    const back = windowAt(`?code=c0de&state=${pending.state}`, kept);
    expect(takeReturn(back.window)).toEqual({ answer: answer(pending), pending });
    expect(back.shown).toEqual(["/?q=a%26b&at=1"]);
    const again = windowAt(`?code=c0de&state=${pending.state}`, kept);
    expect(takeReturn(again.window)?.pending).toBeNull();
    expect(again.shown).toEqual(["/"]);
  });
  it("leaves views alone", async () => {
    const { kept } = await begun();
    const { window, shown } = windowAt("?q=x", kept);
    expect(takeReturn(window)).toBeNull();
    expect(shown).toEqual([]);
    expect(kept.items.size).toBe(1);
  });
});

describe("the code", () => {
  it("is changed for the access token, with the verifier", async () => {
    const { pending } = await begun();
    const token = jwt({ sub: "ann" });
    const { asked, send } = tokens(200, { access_token: token, id_token: jwt({}) });
    expect(await finishSignIn({ answer: answer(pending), pending }, send)).toBe(token);
    expect(asked[0]?.url).toBe("https://id.example/token");
    expect(asked[0]?.init).toMatchObject({ method: "POST", credentials: "omit" });
    expect(Object.fromEntries(asked[0]?.form ?? [])).toEqual({
      grant_type: "authorization_code",
      code: "c0de",
      redirect_uri: "https://trawl.example/",
      client_id: "trawl-ui",
      code_verifier: pending.verifier,
    });
  });
  it("is changed for the ID token where the access token is none that can be read", async () => {
    const { pending } = await begun();
    const idToken = jwt({ sub: "ann" });
    const { send } = tokens(200, { access_token: "opaque", id_token: idToken });
    expect(await finishSignIn({ answer: answer(pending), pending }, send)).toBe(idToken);
    const none = tokens(200, { access_token: "opaque" });
    await expect(finishSignIn({ answer: answer(pending), pending }, none.send)).rejects.toThrow(
      /no token that this server can read/,
    );
  });
  it("is not even sent when the answer is not to what was asked here", async () => {
    const { pending } = await begun();
    const { asked, send } = tokens(200, { access_token: jwt({}) });
    const lure = { error: "x", description: "call 555", state: "other" };
    for (const [returned, told] of [
      [{ answer: answer(pending, { state: "other" }), pending }, /not the one/],
      [{ answer: answer(pending), pending: null }, /not begun in this tab/],
      [{ answer: answer(pending, lure), pending }, /^(?!.*555)/],
      [
        { answer: answer(pending, { issuer: "https://evil.example" }), pending },
        /another provider/,
      ],
      [{ answer: answer(pending, { code: null, error: "access_denied" }), pending }, /given up/],
    ] as const) {
      await expect(finishSignIn(returned, send)).rejects.toThrow(told);
    }
    expect(asked).toEqual([]);
  });
  it("may be refused, and why is told", async () => {
    const { pending } = await begun();
    const refused = tokens(400, { error: "invalid_grant", error_description: "used before" });
    await expect(finishSignIn({ answer: answer(pending), pending }, refused.send)).rejects.toThrow(
      "invalid_grant (used before)",
    );
    const error = { code: "sign_in_failed", message: "the provider refused the code" };
    const here = tokens(400, { error });
    await expect(finishSignIn({ answer: answer(pending), pending }, here.send)).rejects.toThrow(
      "the provider refused the code",
    );
    const broken = async () => new Response("<html>", { status: 502 });
    await expect(finishSignIn({ answer: answer(pending), pending }, broken)).rejects.toThrow("502");
    const away = async () => {
      throw new TypeError("failed to fetch");
    };
    await expect(finishSignIn({ answer: answer(pending), pending }, away)).rejects.toThrow(
      "id.example did not give a token",
    );
  });
});

it("tells a JSON Web Token from other tokens", () => {
  expect(isJwt(jwt({}))).toBe(true);
  for (const other of ["opaque", "a.b.c", "", "trawl_ab.cd.ef", `${jwt({})}.x`, "e30.e30.e30"]) {
    expect(isJwt(other)).toBe(false);
  }
});

describe("a credential", () => {
  it("is waited for while a sign-in is under way, and kept for the tab", async () => {
    const kept = new Kept();
    const credential = new Credential(kept);
    let give = (_token: string) => {};
    const token = new Promise<string>((resolve) => {
      give = resolve;
    });
    void credential.receive(token);
    const used = credential.settled();
    give("a.b.c");
    expect(await used).toBe("a.b.c");
    expect(new Credential(kept).current()).toBe("a.b.c");
    credential.forget();
    expect([credential.current(), new Credential(kept).current()]).toEqual([null, null]);
  });
  it("is asked for when the sign-in fails, with the reason", async () => {
    const credential = new Credential(null);
    await credential.receive(Promise.reject(new Error("it was given up")));
    expect(credential.question()).toEqual({ code: null, message: "it was given up" });
    const both = credential.ask(null, { code: "missing_api_key", message: "a key is needed" });
    credential.give("key");
    expect(await both).toBe(true);
    expect(credential.question()).toBeNull();
  });
});
