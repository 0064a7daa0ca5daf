// Runs the program of a regular expression over a text: one pass, whatever the regex.

import type { TextRange } from "./literal";
import type { Instruction } from "./regexProgram";
import type { Look } from "./regexTree";

/** A thread: an instruction, and where the match would begin. */
class Threads {
  readonly instructions: Int32Array;
  readonly starts: Int32Array;
  /** For each instruction, at which step it was last added. */
  readonly seen: Int32Array;
  count = 0;

  constructor(size: number) {
    this.instructions = new Int32Array(size);
    this.starts = new Int32Array(size);
    this.seen = new Int32Array(size).fill(-1);
  }
}

/**
 * Most instructions that are carried out on one text. Looking for one match is linear, but a regex can look far ahead
 * for each of many; what is found up to here is marked.
 */
const MAX_WORK = 3_000_000;

/** Finds matches of one program; leftmost first, as the `regex` crate does. */
export class RegexRunner {
  private current: Threads;
  private next: Threads;
  /** Places still to be visited while threads are added; without recursion, however long the program. */
  private readonly pending: number[] = [];
  private step = 0;
  private work = 0;

  private readonly program: Instruction[];

  constructor(program: Instruction[]) {
    this.program = program;
    this.current = new Threads(program.length);
    this.next = new Threads(program.length);
  }

  /** The next match from `at` on; what stands before still counts for borders. It may be empty. */
  find(text: string, at: number): TextRange | null {
    let best: TextRange | null = null;
    if (at === 0) this.work = 0;
    this.current.count = 0;
    this.step += 1;
    for (let position = at; ;) {
      if (best === null) this.add(this.current, 0, position, text, position);
      if (this.current.count === 0 && best !== null) return best;
      this.work += this.current.count + 1;
      if (this.work > MAX_WORK) return null;
      const codePoint = text.codePointAt(position);
      const width = codePoint !== undefined && codePoint > 0xffff ? 2 : 1;
      this.step += 1;
      this.next.count = 0;
      for (let index = 0; index < this.current.count; index += 1) {
        const at = this.current.instructions[index] ?? 0;
        const start = this.current.starts[index] ?? 0;
        const instruction = this.program[at];
        if (instruction?.op === "match") {
          // Threads after this one are preferred less.
          best = { from: start, to: position };
          break;
        }
        if (codePoint !== undefined && instruction?.op === "set" && instruction.set(codePoint)) {
          this.add(this.next, at + 1, start, text, position + width);
        }
      }
      if (codePoint === undefined) return best;
      [this.current, this.next] = [this.next, this.current];
      position += width;
    }
  }

  /** Adds a thread and all that it becomes without reading. */
  private add(threads: Threads, first: number, start: number, text: string, position: number): void {
    this.pending.push(first);
    for (let at = this.pending.pop(); at !== undefined; at = this.pending.pop()) {
      if (threads.seen[at] === this.step) continue;
      threads.seen[at] = this.step;
      const instruction = this.program[at];
      if (instruction?.op === "jump") this.pending.push(instruction.to);
      else if (instruction?.op === "split") this.pending.push(instruction.second, instruction.first);
      else if (instruction?.op === "look") {
        if (holds(instruction.look, text, position)) this.pending.push(at + 1);
      } else {
        threads.instructions[threads.count] = at;
        threads.starts[threads.count] = start;
        threads.count += 1;
      }
    }
  }
}

function holds(look: Look, text: string, at: number): boolean {
  switch (look) {
    case "textStart":
      return at === 0;
    case "textEnd":
      return at === text.length;
    case "lineStart":
      return at === 0 || text[at - 1] === "\n";
    case "lineEnd":
      return at === text.length || text[at] === "\n";
    default:
      return (isAsciiWord(text.charCodeAt(at - 1)) !== isAsciiWord(text.charCodeAt(at))) === (look === "wordBorder");
  }
}

/** Also false for NaN, which stands for no character at all. */
function isAsciiWord(unit: number): boolean {
  return (unit >= 48 && unit <= 57) || (unit >= 65 && unit <= 90) || unit === 95 || (unit >= 97 && unit <= 122);
}
