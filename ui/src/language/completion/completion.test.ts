import { CompletionContext } from "@codemirror/autocomplete";
import { EditorState } from "@codemirror/state";
import { describe, expect, test } from "vitest";

import { firstError } from "../syntax";
import { complete, type CompletionProvider } from "./index";

const asked: [string, string][] = [];

const provider: CompletionProvider = {
  fields: () =>
    Promise.resolve([
      { name: "service", types: ["string"], coverage: 1 },
      { name: "http.status", types: ["int", "string"], coverage: 0.126 },
      { name: "odd name", types: ["bool"], coverage: 0.001 },
      { name: "5xx", types: ["int"], coverage: 0.5 },
    ]),
  values: (field, prefix) => {
    asked.push([field, prefix]);
    const values = ["checkout", 'Check "Out"', "-5", "AND", ""];
    return Promise.resolve(values.map((value, index) => ({ value, count: 12_345 - index })));
  },
};

/** What is offered at the `^` of a query: the query as each option would make it. */
async function offered(marked: string, explicit = true, source = provider): Promise<string[]> {
  const pos = marked.indexOf("^");
  const doc = marked.replace("^", "");
  const result = await complete(new CompletionContext(EditorState.create({ doc }), pos, explicit), source);
  const to = result?.to ?? pos;
  return (result?.options ?? []).map(({ apply }, index) => {
    const text = typeof apply === "string" ? apply : (result?.options[index]?.label ?? "");
    return doc.slice(0, result?.from) + text + doc.slice(to);
  });
}

async function labels(marked: string): Promise<string[]> {
  const pos = marked.indexOf("^");
  const state = EditorState.create({ doc: marked.replace("^", "") });
  const result = await complete(new CompletionContext(state, pos, true), provider);
  return (result?.options ?? []).map(({ label, detail }) => (detail === undefined ? label : `${label} (${detail})`));
}

describe("in the filter", () => {
  test("fields are offered with their types and how many events have them", async () => {
    expect(await labels("ser^")).toEqual(["service (string · 100 %)"]);
    expect(await labels("http^")).toEqual(["http.status (int, string · 13 %)"]);
    expect(await labels("odd^")).toEqual(["odd name (bool · < 1 %)"]);
    expect(await offered("a -ser^ | limit 5")).toEqual(["a -service: | limit 5"]);
    expect(await offered("(a OR odd^)")).toEqual(['(a OR "odd name":)']);
    expect(await offered('"odd n^"')).toEqual(['"odd name":']);
    expect(await offered("NOT sTAt^")).toEqual(["NOT http.status:"]);
  });

  test("operators are offered after an item", async () => {
    expect(await offered("a A^")).toContain("a AND ");
    expect(await offered("(a) o^")).toContain("(a) OR ");
    expect(await offered("a OR n^")).not.toContain("a OR AND ");
    expect(await offered("a:(b o^")).toContain("a:(b OR ");
  });

  test("nothing is offered unasked before something is typed", async () => {
    expect(await offered("^", false)).toEqual([]);
    expect(await offered("a ^", false)).toEqual([]);
    expect(await offered("a ^")).toContain("a service:");
  });

  test("values are offered with their counts, as they have to be written", async () => {
    expect((await labels("service:^"))[0]).toBe("checkout (12,345)");
    expect(await offered("service:^")).toEqual([
      "service:checkout",
      'service:"Check \\"Out\\""',
      'service:"-5"',
      'service:"AND"',
      'service:=""',
    ]);
    expect(await offered("service:=^")).toContain('service:="checkout"');
    expect(await offered('service:="che^"')).toContain('service:="checkout"');
    expect(await offered('a service:"che^ | limit 5')).toContain("a service:checkout | limit 5");
    expect(await offered("service:(a OR ch^)")).toContain("service:(a OR checkout)");
    expect(await offered('"odd name":x^')).toContain('"odd name":checkout');
    for (const query of await offered("service:(^)")) expect([query, firstError(query)]).toEqual([query, null]);
  });

  test("the provider is asked for what the text typed stands for", async () => {
    asked.length = 0;
    await offered('"odd \\"name\\"":="a \\"b^');
    await offered("a.b:x\\ y^");
    await offered("a:(b c^)");
    expect(asked).toEqual([
      ['odd "name"', 'a "b'],
      ["a.b", "x y"],
      ["a", "c"],
    ]);
  });

  test("levels are offered by name and by rank", async () => {
    expect(await offered("level:wa^")).toEqual(expect.arrayContaining(["level:warn", "level:>=warn"]));
    expect(await offered("level:>=e^")).toEqual(["level:>=error", "level:>=trace", "level:>=debug"]);
    expect(await offered("severity:[info TO f^]")).toEqual(["severity:[info TO fatal]", "severity:[info TO info]"]);
    expect(await offered("a:>=^")).toEqual([]);
  });

  test("nothing is offered inside a regex", async () => {
    expect(await offered("/ser^")).toEqual([]);
    expect(await offered("a:/ser^/")).toEqual([]);
  });
});

describe("in the pipes", () => {
  test("pipes are offered, an aggregate only as the first", async () => {
    expect(await offered("a | ^")).toHaveLength(6);
    expect(await offered('"|" | ST^')).toContain('"|" | stats ');
    expect(await offered("| limit 5 | ^")).toEqual(["| limit 5 | fields ", "| limit 5 | sort ", "| limit 5 | limit "]);
  });

  test("functions and their fields are offered", async () => {
    expect(await offered("| stats co^")).toEqual(["| stats count()", "| stats count_distinct("]);
    expect(await offered("| stats count(), p9^")).toEqual([
      "| stats count(), p90(",
      "| stats count(), p95(",
      "| stats count(), p99(",
    ]);
    expect(await offered("| stats sum(odd^)")).toEqual(['| stats sum("odd name")']);
    expect(await offered("| stats count() ^")).toEqual(["| stats count() as ", "| stats count() by "]);
    expect(await offered("| stats count() as n ^")).toEqual(["| stats count() as n by "]);
    expect(await offered("| stats count() as n^")).toEqual([]);
  });

  test("groups are offered", async () => {
    expect(await offered("| stats count() by ser^")).toEqual(["| stats count() by service"]);
    expect(await offered("| stats count() as by by service, ser^")).toEqual([
      "| stats count() as by by service, service",
    ]);
    expect(await offered("| timechart 5m by ser^")).toEqual(["| timechart 5m by service"]);
  });

  test("the words of timechart, top, fields, sort and limit are offered", async () => {
    expect(await offered("| timechart 1^")).toContain("| timechart 1h");
    expect(await offered("| timechart 5m b^")).toEqual(["| timechart 5m by "]);
    expect(await offered("| top ser^")).toEqual(["| top service"]);
    expect(await offered("| top 3 5^")).toEqual(["| top 3 5xx"]);
    expect(await offered("| top ^")).toContain('| top "5xx"');
    expect(await offered("| fields a, ser^")).toEqual(["| fields a, service"]);
    expect(await offered("| sort -ser^")).toEqual(["| sort -service"]);
    expect(await offered("| sort a d^")).toEqual(["| sort a desc "]);
    expect(await offered("| sort -a ^")).toEqual([]);
    expect(await offered("| limit ^")).toEqual([]);
  });

  test("columns are offered after an aggregate", async () => {
    const table = '| stats COUNT(), p99(ms) as slow by a, "b c"';
    expect(await offered(`${table} | sort ^`)).toEqual(
      ["a", '"b c"', "count()", "slow"].map((column) => `${table} | sort ${column}`),
    );
    expect(await offered("| timechart 5m by a | fields ^")).toContain("| timechart 5m by a | fields timestamp");
    expect(await offered("| top a | sort c^")).toEqual(["| top a | sort count"]);
    for (const query of await offered(`${table} | sort -^`)) expect([query, firstError(query)]).toEqual([query, null]);
  });
});

test("a provider that fails offers nothing", async () => {
  const failing = { fields: () => Promise.reject(new Error("no")), values: () => Promise.reject(new Error("no")) };
  expect(await offered("service:^", true, failing)).toEqual([]);
  expect(await offered("a^", true, failing)).toEqual([]);
});

test("any beginning of a query has a place for the cursor", async () => {
  const query = 'a -(b OR "c d":(=x OR [1 TO *])) /r/i f:>=5 \\) | stats p99(x) as "y|" by z | sort -y desc | limit 5';
  for (let at = 0; at <= query.length; at += 1) {
    for (const rest of ["", '"', ":", "(", ")", "|", ",", "]", "\\", "/"]) {
      await offered(`${query.slice(0, at)}${rest}^${query.slice(at)}`);
    }
  }
});
