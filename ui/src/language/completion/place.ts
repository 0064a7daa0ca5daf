// Where the cursor of an unfinished query stands. The text is read up to there only, by the same rules as the grammar,
// but with no demand that it be complete.

import { CHAR, isBorder, isSpace } from "../characters";
import { plainText } from "../spelling";
import { endOfBare, endOfQuote } from "./ends";
import { pipePlace, type PipePlace } from "./pipePlace";

export type Place =
  /** Where an item of the filter begins: a field's name or a term; an operator too, if an item stands before. */
  | { kind: "item"; from: number; text: string; mayJoin: boolean }
  /** What is typed as a value of a field, from after the operator on. */
  | { kind: "value"; from: number; text: string; field: string; form: ValueForm; mayJoin: boolean }
  | PipePlace;

/** `field:x`, `field:=x`, and `field:>=x` or `field:[x`. */
export type ValueForm = "has" | "exact" | "ordered";

/** The place at the end of `text`; null where there is nothing to offer. */
export function placeAtEnd(text: string): Place | null {
  return new FilterReader(text).place();
}

class FilterReader {
  private readonly text: string;
  private at = 0;
  /** The field of each open bracket; null outside of `field:( … )`. */
  private readonly scopes: (string | null)[] = [null];
  /** Whether an item has just ended, so that an operator may follow. */
  private mayJoin = false;

  constructor(text: string) {
    this.text = text;
  }

  place(): Place | null {
    for (;;) {
      while (isSpace(this.unit())) this.at += 1;
      switch (this.unit()) {
        case CHAR.bar:
          return pipePlace(this.text, this.at);
        case CHAR.open:
          this.open(this.scope());
          break;
        case CHAR.close:
          if (this.scopes.length > 1) this.scopes.pop();
          this.mayJoin = true;
          this.at += 1;
          break;
        case CHAR.minus:
          this.at += 1;
          this.mayJoin = false;
          if (isSpace(this.unit())) return null;
          break;
        default: {
          const place = this.item();
          if (place !== "passed") return place;
        }
      }
    }
  }

  private unit(): number {
    return this.at < this.text.length ? this.text.charCodeAt(this.at) : CHAR.end;
  }

  private scope(): string | null {
    return this.scopes.at(-1) ?? null;
  }

  private open(scope: string | null): void {
    this.scopes.push(scope);
    this.mayJoin = false;
    this.at += 1;
  }

  private item(): Place | null | "passed" {
    const scope = this.scope();
    if (scope !== null) return this.value(scope);
    const from = this.at;
    if (this.unit() === CHAR.slash) return this.regex();
    const isClosed = this.token(CHAR.colon);
    const token = this.text.slice(from, this.at);
    if (!isClosed || this.at === this.text.length) {
      return { kind: "item", from, text: plainText(token), mayJoin: this.mayJoin };
    }
    if (this.unit() !== CHAR.colon) return this.passed(token);
    this.at += 1;
    const field = plainText(token);
    if (this.unit() !== CHAR.open) return this.value(field);
    this.open(field);
    return "passed";
  }

  private value(field: string): Place | null | "passed" {
    if (this.unit() === CHAR.slash) return this.regex();
    const mayJoin = this.mayJoin && this.scope() !== null;
    let form: ValueForm = "has";
    if (this.unit() === CHAR.openRange) {
      const end = this.text.indexOf("]", this.at);
      form = "ordered";
      if (end >= 0) this.at = end;
      else this.at = this.lastEndOfRange();
    } else {
      const operator = /^(?:=|[<>]=?)/.exec(this.text.slice(this.at, this.at + 2))?.[0] ?? "";
      if (operator !== "") form = operator === "=" ? "exact" : "ordered";
      this.at += operator.length;
    }
    const from = this.at;
    const isClosed = this.token(null);
    const token = this.text.slice(from, this.at);
    if (!isClosed || this.at === this.text.length) {
      return { kind: "value", from, text: plainText(token), field, form, mayJoin };
    }
    return this.passed(token);
  }

  /** Where the end of a range begins that is being typed. */
  private lastEndOfRange(): number {
    const ends = /^\[(?:.*\p{White_Space})?/su.exec(this.text.slice(this.at));
    return this.at + (ends?.[0].length ?? 1);
  }

  private passed(token: string): "passed" {
    this.mayJoin = !["AND", "OR", "NOT"].includes(token);
    // What stops a token without being one itself would stop it forever.
    if (token === "" && !isBorder(this.unit())) this.at += 1;
    return "passed";
  }

  /** Passes a bare or quoted token; false when its quote is not closed. */
  private token(stop: number | null): boolean {
    if (this.unit() !== CHAR.quote) {
      this.at = endOfBare(this.text, this.at, stop);
      return true;
    }
    const end = endOfQuote(this.text, this.at);
    this.at = end ?? this.text.length;
    // Right behind a closing quote nothing more is typed of it; only a colon may follow.
    return end !== null;
  }

  private regex(): null | "passed" {
    const regex = /^\/(?:[^\\/]|\\.)*\/i?/su.exec(this.text.slice(this.at));
    if (!regex || this.at + regex[0].length === this.text.length) return null;
    this.at += regex[0].length;
    this.mayJoin = true;
    return "passed";
  }
}
