import type { Aggregates } from "../api/types";
import { JsonNumber, type JsonScalar } from "../json/value";

export interface Sorting {
  column: number;
  descending: boolean;
}

/** Rows in the order of a column: numbers before strings before what is null; null always last. */
export function sortRows(rows: JsonScalar[][], sorting: Sorting | null): JsonScalar[][] {
  if (!sorting) {
    return rows;
  }
  const sign = sorting.descending ? -1 : 1;
  return [...rows].sort((a, b) => {
    const [left = null, right = null] = [a[sorting.column], b[sorting.column]];
    if (left === null || right === null) {
      return Number(left === null) - Number(right === null);
    }
    return sign * compare(left, right);
  });
}

function compare(left: JsonScalar, right: JsonScalar): number {
  const bothNumbers = left instanceof JsonNumber && right instanceof JsonNumber;
  if (bothNumbers) {
    return Number(left) - Number(right);
  }
  if (left instanceof JsonNumber || right instanceof JsonNumber) {
    return left instanceof JsonNumber ? -1 : 1;
  }
  return String(left) < String(right) ? -1 : String(left) > String(right) ? 1 : 0;
}

/** The columns that hold numbers in every row that has a value. */
export function numberColumns(table: Aggregates): number[] {
  return table.columns
    .map((_, index) => index)
    .filter((index) => {
      const values = table.rows.map((row) => row[index] ?? null).filter((value) => value !== null);
      return values.length > 0 && values.every((value) => value instanceof JsonNumber);
    });
}

export type ChartKind = "line" | "bars";

/** Which chart suits a query's table: lines over time for `timechart`, else bars. */
export function chartOf(query: string): ChartKind {
  return /\|\s*timechart\b/i.test(query) ? "line" : "bars";
}

export interface Line {
  label: string;
  values: (number | null)[];
}

export interface Lines {
  /** Milliseconds. */
  times: number[];
  lines: Line[];
}

/** A `timechart` table as lines: one for each group of values, of the column `value`. */
export function linesOf(table: Aggregates, value: number): Lines {
  const time = Math.max(0, table.columns.indexOf("timestamp"));
  const numbers = new Set(numberColumns(table));
  const groups = table.columns
    .map((_, index) => index)
    .filter((index) => index !== time && index !== value && !numbers.has(index));
  const times = [...new Set(table.rows.map((row) => timeOf(row[time] ?? null)))].sort(
    (a, b) => a - b,
  );
  const places = new Map(times.map((at, index) => [at, index]));
  const lines = new Map<string, (number | null)[]>();
  for (const row of table.rows) {
    const label =
      groups.map((group) => String(row[group] ?? "none")).join(" · ") ||
      (table.columns[value] ?? "");
    let values = lines.get(label);
    if (!values) {
      values = new Array<number | null>(times.length).fill(null);
      lines.set(label, values);
    }
    const number = row[value];
    values[places.get(timeOf(row[time] ?? null)) ?? 0] =
      number instanceof JsonNumber ? Number(number) : null;
  }
  return { times, lines: [...lines].map(([label, values]) => ({ label, values })) };
}

function timeOf(value: JsonScalar): number {
  return typeof value === "string" ? Date.parse(value) : Number(value);
}
