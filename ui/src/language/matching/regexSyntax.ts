// Reads a regular expression in the syntax of the `regex` crate. What is not read here throws, and is not marked.

import { charSet, literalSource } from "./charset";
import { classSource, escapeOf } from "./regexClasses";
import type { Flags, Look, Regex } from "./regexTree";

/** Deepest nesting, as crates/query/src/regexes.rs has it. */
const MAX_NESTING = 64;

/** The characters of a pattern and how far they have been read. */
export class PatternCursor {
  readonly characters: string[];
  at = 0;

  constructor(pattern: string) {
    this.characters = [...pattern];
  }

  peek(ahead = 0): string | undefined {
    return this.characters[this.at + ahead];
  }

  next(): string {
    const character = this.peek();
    if (character === undefined) throw new Error("the pattern ends too early");
    this.at += 1;
    return character;
  }

  eat(text: string): boolean {
    const found = [...text].every((character, ahead) => this.peek(ahead) === character);
    if (found) this.at += text.length;
    return found;
  }

  /** What stands before `end`, which is taken too. */
  until(end: string): string {
    let text = "";
    for (let c = this.next(); c !== end; c = this.next()) text += c;
    return text;
  }
}

/** The tree of a pattern. Throws on what JavaScript or this reader does not know. */
export function parseRegex(pattern: string, ignoreCase: boolean): Regex {
  const cursor = new PatternCursor(pattern);
  const flags = { ignoreCase, multiLine: false, dotAll: false, swapGreed: false };
  const tree = either(cursor, flags, 0);
  if (cursor.peek() !== undefined) throw new Error("a bracket too many");
  return tree;
}

/** Alternatives up to `)` or the end. Flags set inside hold up to there, so this owns its `flags`. */
function either(cursor: PatternCursor, flags: Flags, depth: number): Regex {
  if (depth > MAX_NESTING) throw new Error("nested too deep");
  const sides: Regex[] = [];
  do {
    const items: Regex[] = [];
    for (let c = cursor.peek(); c !== undefined && c !== "|" && c !== ")"; c = cursor.peek()) {
      items.push(repeated(cursor, flags, atom(cursor, flags, depth)));
    }
    sides.push({ kind: "all", items });
  } while (cursor.eat("|"));
  return sides.length === 1 && sides[0] ? sides[0] : { kind: "either", items: sides };
}

function atom(cursor: PatternCursor, flags: Flags, depth: number): Regex {
  const c = cursor.next();
  switch (c) {
    case "(":
      return group(cursor, flags, depth);
    case "[":
      return set(classSource(cursor), flags);
    case ".":
      return set(flags.dotAll ? "[^]" : "[^\\n]", flags);
    case "^":
      return look(flags.multiLine ? "lineStart" : "textStart");
    case "$":
      return look(flags.multiLine ? "lineEnd" : "textEnd");
    case "\\":
      return escaped(cursor, flags);
    case "*":
    case "+":
    case "?":
    case "{":
      throw new Error("nothing to repeat");
    default:
      return set(literalSource(c.codePointAt(0) ?? 0), flags);
  }
}

const LOOKS: Record<string, Look> = { A: "textStart", z: "textEnd", b: "wordBorder", B: "noWordBorder" };

function escaped(cursor: PatternCursor, flags: Flags): Regex {
  const found = LOOKS[cursor.peek() ?? ""];
  if (found === undefined) return set(escapeOf(cursor).source, flags);
  cursor.next();
  // `\b{start}` and its like are left out.
  if (cursor.peek() === "{") throw new Error("an unknown word border");
  return look(found);
}

function group(cursor: PatternCursor, flags: Flags, depth: number): Regex {
  const inner = { ...flags };
  if (cursor.eat("?P<") || (cursor.peek() === "?" && cursor.peek(1) === "<" && cursor.eat("?<"))) {
    cursor.until(">");
  } else if (cursor.eat("?")) {
    const ending = readFlags(cursor, inner);
    if (ending === ")") {
      Object.assign(flags, inner);
      return { kind: "empty" };
    }
  }
  const tree = either(cursor, inner, depth + 1);
  if (!cursor.eat(")")) throw new Error("a group is not closed");
  return tree;
}

/** `i`, `-i`, `ims-U` … up to `:` or `)`, which is returned. */
function readFlags(cursor: PatternCursor, flags: Flags): ":" | ")" {
  let on = true;
  for (let c = cursor.next(); ; c = cursor.next()) {
    if (c === ":" || c === ")") return c;
    if (c === "-") on = false;
    else if (c === "i") flags.ignoreCase = on;
    else if (c === "m") flags.multiLine = on;
    else if (c === "s") flags.dotAll = on;
    else if (c === "U") flags.swapGreed = on;
    else throw new Error("an unknown flag");
  }
}

function repeated(cursor: PatternCursor, flags: Flags, first: Regex): Regex {
  let item = first;
  for (;;) {
    const bounds = readBounds(cursor);
    if (bounds === null) return item;
    const lazy = cursor.eat("?");
    item = { kind: "repeat", item, ...bounds, greedy: lazy === flags.swapGreed };
  }
}

function readBounds(cursor: PatternCursor): { min: number; max: number } | null {
  if (cursor.eat("*")) return { min: 0, max: Infinity };
  if (cursor.eat("+")) return { min: 1, max: Infinity };
  if (cursor.eat("?")) return { min: 0, max: 1 };
  if (!cursor.eat("{")) return null;
  const bounds = /^\s*(\d*)\s*(,?)\s*(\d*)\s*$/.exec(cursor.until("}"));
  const [, low = "", comma = "", high = ""] = bounds ?? [];
  if (low === "" && high === "") throw new Error("a repetition without a number");
  const min = Number(low || 0);
  const max = comma === "" ? min : high === "" ? Infinity : Number(high);
  if (min > max) throw new Error("a repetition upside down");
  return { min, max };
}

function set(source: string, flags: Flags): Regex {
  return { kind: "set", set: charSet(source, flags.ignoreCase) };
}

function look(kind: Look): Regex {
  return { kind: "look", look: kind };
}
