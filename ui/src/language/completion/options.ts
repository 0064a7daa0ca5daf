import type { Completion } from "@codemirror/autocomplete";

import { visible } from "../../common/unseen";
import { quoteField, quoteTerm, quoteValue } from "../spelling";
import { DURATIONS, FUNCTIONS, LEVELS, PERCENTILES } from "../vocabulary";
import { shownColumn } from "./columns";
import type { ValueForm } from "./place";

export interface FieldInfo {
  name: string;
  types: string[];
  /** In which share of the events the field is, from 0 to 1. */
  coverage: number;
}

export interface ValueInfo {
  value: string;
  count: number;
}

const counts = new Intl.NumberFormat("en");

/** Fields at the beginning of a condition: with the colon that a value follows. */
export function fieldOptions(fields: FieldInfo[]): Completion[] {
  return fields.map((field) => ({ ...named(field), apply: `${quoteField(field.name)}:` }));
}

/** Fields in a pipe. */
export function nameOptions(fields: FieldInfo[], isFirstOfTop: boolean): Completion[] {
  const spell = (name: string) => (isFirstOfTop && /^[0-9]/.test(name) ? quoteValue(name) : quoteField(name));
  return fields.map((field) => ({ ...named(field), apply: spell(field.name) }));
}

function named({ name, types, coverage }: FieldInfo): Completion {
  return { ...labelled(name), type: "property", detail: `${types.join(", ")} · ${percent(coverage)}`, boost: coverage };
}

/** A label, which is shown otherwise if parts of it would not be seen. */
function labelled(label: string): { label: string; displayLabel?: string } {
  const shown = visible(label);
  return shown === label ? { label } : { label, displayLabel: shown };
}

function percent(share: number): string {
  const rounded = Math.round(share * 100);
  if (rounded === 0 && share > 0) return "< 1 %";
  return `${rounded} %`;
}

export function columnOptions(columns: string[]): Completion[] {
  return columns.map((column) => ({ ...labelled(shownColumn(column)), apply: column, type: "property" }));
}

export function valueOptions(values: ValueInfo[], form: ValueForm): Completion[] {
  return values.map(({ value, count }) => ({
    ...labelled(value === "" ? '""' : value),
    type: "text",
    detail: counts.format(count),
    apply: spellValue(value, form),
  }));
}

function spellValue(value: string, form: ValueForm): string {
  if (form === "exact") return quoteValue(value);
  // An empty text is found nowhere; it can only be asked for exactly.
  return value === "" ? '=""' : quoteTerm(value);
}

/** Levels, by name and, right after the colon, from one upward. */
export function levelOptions(form: ValueForm, known: ValueInfo[]): Completion[] {
  const spelled = new Set(known.map(({ value }) => value.toLowerCase()));
  const names = LEVELS.filter((level) => !spelled.has(level));
  const plain = names.map((level) => ({
    label: level,
    type: "enum",
    apply: form === "exact" ? quoteValue(level) : level,
  }));
  const ranks = form === "has" ? LEVELS.map((level) => ({ label: `>=${level}`, type: "enum", boost: -1 })) : [];
  return [...plain, ...ranks];
}

export function wordOptions(words: readonly string[]): Completion[] {
  return words.map((label) => ({ label, type: "keyword", apply: `${label} ` }));
}

const PIPE_DETAILS: Record<string, string> = {
  stats: "functions by groups",
  timechart: "functions over time",
  top: "most frequent values",
  fields: "what is shown",
  sort: "order",
  limit: "at most so many",
};

/** The pipes that may follow: one aggregate, and it comes first. */
export function pipeOptions(mayAggregate: boolean): Completion[] {
  const pipes = mayAggregate ? Object.keys(PIPE_DETAILS) : ["fields", "sort", "limit"];
  return pipes.map((label) => ({ label, type: "keyword", detail: PIPE_DETAILS[label] ?? "", apply: `${label} ` }));
}

export function functionOptions(words: string[]): Completion[] {
  const functions = [...FUNCTIONS, ...PERCENTILES].map((name) => {
    const takesNothing = name === "count";
    return {
      label: `${name}(${takesNothing ? ")" : "…)"}`,
      type: "function",
      apply: takesNothing ? "count()" : `${name}(`,
    };
  });
  return [...functions, ...wordOptions(words)];
}

export function durationOptions(): Completion[] {
  return DURATIONS.map((label) => ({ label, type: "constant" }));
}
