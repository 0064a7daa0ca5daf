import { linter, type Diagnostic } from "@codemirror/lint";
import type { Extension } from "@codemirror/state";

import { firstError } from "./syntax";

/** What is wrong with a query; the column counts Unicode characters from 1, and one past the end is the end. */
export interface QueryProblem {
  column: number;
  message: string;
}

export type QueryCheck = (query: string) => Promise<QueryProblem | null>;

/** How long after a change the query is checked. */
const DELAY_MS = 250;

/** Underlines what `check` finds; while it does not answer, what the grammar finds. */
export function queryErrors(check: QueryCheck): Extension {
  return linter((view) => diagnosticsOf(view.state.doc.toString(), check), { delay: DELAY_MS });
}

export async function diagnosticsOf(query: string, check: QueryCheck): Promise<Diagnostic[]> {
  try {
    const problem = await check(query);
    return problem ? [diagnostic(query, offsetOf(query, problem.column), problem.message)] : [];
  } catch {
    const at = firstError(query);
    return at === null ? [] : [diagnostic(query, at, "this is not expected here")];
  }
}

/** The place of a column, in UTF-16 code units. */
export function offsetOf(query: string, column: number): number {
  let offset = 0;
  for (let at = 1; at < column && offset < query.length; at += 1) {
    offset += (query.codePointAt(offset) ?? 0) > 0xffff ? 2 : 1;
  }
  return offset;
}

/** From the mistake to the next white space; at least one character, unless the mistake is at the end. */
function diagnostic(query: string, from: number, message: string): Diagnostic {
  const token = /^(?:\P{White_Space}+|.)/su.exec(query.slice(from));
  return { from, to: from + (token?.[0].length ?? 0), severity: "error", message };
}
