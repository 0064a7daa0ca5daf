import type { Extension } from "@codemirror/state";
export interface CompletionSource_ {
  fields(): Promise<{ name: string; types: string[]; coverage: number }[]>;
  values(field: string, prefix: string): Promise<{ value: string; count: number }[]>;
}
export interface Highlighter {
  ranges(text: string, field: string | null): { from: number; to: number }[];
}
export function trawlLanguage(): Extension {
  return [];
}
export function trawlCompletion(_source: CompletionSource_): Extension {
  return [];
}
export function queryErrors(
  _check: (query: string) => Promise<{ column: number; message: string } | null>,
): Extension {
  return [];
}
export function highlightsOf(query: string): Highlighter {
  const words = (query.split("|")[0] ?? "").match(/\b[a-z]{3,}\b(?!:)/gi) ?? [];
  return {
    ranges(text) {
      const found: { from: number; to: number }[] = [];
      for (const word of words) {
        const at = text.toLowerCase().indexOf(word.toLowerCase());
        if (at >= 0) {
          found.push({ from: at, to: at + word.length });
        }
      }
      return found.sort((a, b) => a.from - b.from);
    },
  };
}
export function quoteValue(value: string): string {
  return `"${value.replace(/[\\"]/g, "\\$&")}"`;
}
export function quoteField(name: string): string {
  return /^[\w.@-]+$/.test(name) ? name : quoteValue(name);
}
export function addFilter(
  query: string,
  field: string,
  value: unknown,
  mode: "in" | "out" | "exists",
): string {
  const name = quoteField(field);
  const test =
    mode === "exists"
      ? `${name}:*`
      : `${mode === "out" ? "-" : ""}${name}:${typeof value === "string" ? `=${quoteValue(value)}` : value}`;
  const [filter = "", ...pipes] = query.split("|");
  return [`${filter.trim()} ${test}`.trim(), ...pipes.map((pipe) => pipe.trim())].join(" | ");
}
export function outputOf(query: string): "events" | "table" {
  return /\|\s*(stats|timechart|top)\b/i.test(query) ? "table" : "events";
}
