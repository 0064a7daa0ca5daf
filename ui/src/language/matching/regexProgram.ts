// A regular expression as a program for many threads that read a text once (Thompson 1968, Pike's VM).

import type { CharSet } from "./charset";
import type { Look, Regex } from "./regexTree";

export type Instruction =
  | { op: "set"; set: CharSet }
  | { op: "look"; look: Look }
  /** Goes on in two places; the first one is preferred. */
  | { op: "split"; first: number; second: number }
  | { op: "jump"; to: number }
  | { op: "match" };

/** Most instructions: bounds the work for each character. A longer regex is not marked. */
const MAX_INSTRUCTIONS = 2000;

/** The program of a tree. Throws when it is too long. */
export function compileRegex(tree: Regex): Instruction[] {
  const program: Instruction[] = [];
  emit(program, tree);
  push(program, { op: "match" });
  return program;
}

function push(program: Instruction[], instruction: Instruction): number {
  if (program.length >= MAX_INSTRUCTIONS) throw new Error("the regex is too large to be marked");
  return program.push(instruction) - 1;
}

function emit(program: Instruction[], tree: Regex): void {
  switch (tree.kind) {
    case "empty":
      return;
    case "set":
      push(program, { op: "set", set: tree.set });
      return;
    case "look":
      push(program, { op: "look", look: tree.look });
      return;
    case "all":
      for (const item of tree.items) emit(program, item);
      return;
    case "either":
      emitEither(program, tree.items);
      return;
    case "repeat":
      emitRepeat(program, tree);
  }
}

function emitEither(program: Instruction[], items: Regex[]): void {
  const jumps: number[] = [];
  items.forEach((item, index) => {
    const isLast = index === items.length - 1;
    const split = isLast ? null : push(program, { op: "jump", to: 0 });
    emit(program, item);
    if (split === null) return;
    jumps.push(push(program, { op: "jump", to: 0 }));
    program[split] = { op: "split", first: split + 1, second: program.length };
  });
  for (const jump of jumps) program[jump] = { op: "jump", to: program.length };
}

function emitRepeat(program: Instruction[], { item, min, max, greedy }: Extract<Regex, { kind: "repeat" }>): void {
  const split = (at: number, out: number) => {
    program[at] = { op: "split", first: greedy ? at + 1 : out, second: greedy ? out : at + 1 };
  };
  for (let count = 0; count < min; count += 1) emit(program, item);
  if (max === Infinity) {
    const at = push(program, { op: "jump", to: 0 });
    emit(program, item);
    push(program, { op: "jump", to: at });
    split(at, program.length);
    return;
  }
  const splits: number[] = [];
  for (let count = min; count < max; count += 1) {
    splits.push(push(program, { op: "jump", to: 0 }));
    emit(program, item);
  }
  for (const at of splits) split(at, program.length);
}
