import { describe, expect, it } from "vitest";
import { Credential } from "./credential";
import { ApiError, UnreachableError } from "./errors";
import { Http } from "./http";

/** An `Http` whose requests are answered by the given answers, one after the other. */
function http(answers: (Response | Error)[]) {
  const sent: { path: string; key: string | null }[] = [];
  const slept: number[] = [];
  const credential = new Credential(null);
  const made = new Http({
    credential,
    fetch: async (path, init) => {
      sent.push({ path: String(path), key: new Headers(init?.headers).get("authorization") });
      const answer = answers.shift();
      if (answer instanceof Error || !answer) {
        throw answer ?? new Error("no more answers");
      }
      return answer;
    },
    sleep: async (ms) => {
      slept.push(ms);
    },
  });
  return { http: made, credential, sent, slept };
}

const json = (status: number, body: unknown, headers: Record<string, string> = {}) =>
  new Response(JSON.stringify(body), { status, headers });

describe("a request", () => {
  it("is sent again while the server cannot be reached, later and later", async () => {
    const busy = json(
      503,
      { error: { code: "storage_unavailable", message: "later" } },
      { "retry-after": "2" },
    );
    const { http: made, slept } = http([
      new TypeError("failed to fetch"),
      busy,
      json(200, { a: 1 }),
    ]);
    expect(await made.json("/v1/status")).toEqual({ a: 1 });
    expect(slept).toEqual([300, 2000]);
  });
  it("gives up at last", async () => {
    const { http: made } = http(Array.from({ length: 4 }, () => new TypeError("failed to fetch")));
    await expect(made.json("/v1/status")).rejects.toThrow(UnreachableError);
  });
  it("tells what is wrong with it by code and column", async () => {
    const detail = { column: 9, expected: "a level" };
    const { http: made } = http([
      json(400, { error: { code: "bad_value", message: "no", detail } }),
    ]);
    const error = await made.json("/v1/searches").catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(ApiError);
    expect(error).toMatchObject({ status: 400, code: "bad_value", column: 9, expected: "a level" });
  });
  it("waits for a limit that is free again soon, if it only reads", async () => {
    const limited = (seconds: number) =>
      json(429, {
        error: {
          code: "rate_limited",
          message: "used up",
          detail: { limit: 5, unit: "requests a second", retry_after_seconds: seconds },
        },
      });
    const soon = http([limited(2), json(200, { a: 1 })]);
    expect(await soon.http.json("/v1/fields")).toEqual({ a: 1 });
    expect(soon.slept).toEqual([2000]);

    const late = http([limited(600)]);
    const told = { code: "rate_limited", retryAfterMs: 600_000 };
    await expect(late.http.json("/v1/fields")).rejects.toMatchObject(told);
    const started = http([limited(2)]);
    await expect(
      started.http.json("/v1/searches", { method: "POST", body: {} }),
    ).rejects.toMatchObject({ retryAfterMs: 2000 });
    expect([...late.slept, ...started.slept]).toEqual([]);
  });
  it("takes the time of a limit from the header where the body has none", async () => {
    const { http: made } = http([
      new Response("slow down", { status: 429, headers: { "retry-after": "7" } }),
    ]);
    await expect(made.json("/v1/fields")).rejects.toMatchObject({
      code: "unexpected_answer",
      retryAfterMs: 7000,
    });
  });
  it("tells of answers that are not the API's", async () => {
    const { http: made } = http([new Response("<html>", { status: 500 })]);
    await expect(made.json("/")).rejects.toMatchObject({ code: "unexpected_answer", status: 500 });
  });
});

describe("a key", () => {
  const refused = () =>
    json(401, { error: { code: "missing_api_key", message: "a key is needed" } });

  it("is asked for once, by all who wait, and then sent", async () => {
    const {
      http: made,
      credential,
      sent,
    } = http([refused(), refused(), json(200, 1), json(200, 2)]);
    const both = Promise.all([made.json("/a"), made.json("/b")]);
    while (credential.question() === null || sent.length < 2) {
      await Promise.resolve();
    }
    expect(credential.question()).toMatchObject({
      code: "missing_api_key",
      message: "a key is needed",
    });
    await Promise.resolve();
    credential.give("secret");
    expect(await both).toEqual([1, 2]);
    expect(sent.map((request) => request.key)).toEqual([
      null,
      null,
      "Bearer secret",
      "Bearer secret",
    ]);
  });
  it("is not asked for again by what was under way when it was declined", async () => {
    let late = (_response: Response) => {};
    const credential = new Credential(null);
    const made = new Http({
      credential,
      fetch: (path) =>
        path === "/late"
          ? new Promise((resolve) => {
              late = resolve;
            })
          : Promise.resolve(refused()),
      sleep: async () => {},
    });
    const first = made.json("/a").catch((error: unknown) => error);
    const second = made.json("/late").catch((error: unknown) => error);
    while (credential.question() === null) {
      await Promise.resolve();
    }
    credential.give(null);
    late(refused());
    expect(await first).toMatchObject({ code: "missing_api_key" });
    expect(await second).toMatchObject({ code: "missing_api_key" });
    expect(credential.question()).toBeNull();
    const third = made.json("/a").catch((error: unknown) => error);
    while (credential.question() === null) {
      await Promise.resolve();
    }
    credential.give(null);
    await third;
  });
  it("is not asked for by what nobody waits for", async () => {
    const { http: made, credential } = http([refused()]);
    await expect(made.json("/a", { quiet: true })).rejects.toMatchObject({ status: 401 });
    expect(credential.question()).toBeNull();
  });
  it("can be declined", async () => {
    const { http: made, credential } = http([refused()]);
    credential.subscribe(() => credential.question() !== null && credential.give(null));
    await expect(made.json("/a")).rejects.toMatchObject({ code: "missing_api_key" });
  });
});
