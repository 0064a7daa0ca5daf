// The tree of a regular expression.

import type { CharSet } from "./charset";

/** A condition on a place, which takes no text. */
export type Look = "textStart" | "textEnd" | "lineStart" | "lineEnd" | "wordBorder" | "noWordBorder";

export type Regex =
  | { kind: "empty" }
  | { kind: "set"; set: CharSet }
  | { kind: "look"; look: Look }
  | { kind: "all" | "either"; items: Regex[] }
  | { kind: "repeat"; item: Regex; min: number; max: number; greedy: boolean };

/** The flags in force at a place of a pattern. */
export interface Flags {
  ignoreCase: boolean;
  multiLine: boolean;
  dotAll: boolean;
  swapGreed: boolean;
}
