import { CHAR, isSpace } from "../characters";
import { plainText } from "../spelling";
import { lowerAscii } from "../vocabulary";
import { endOfBare, endOfQuote } from "./ends";

export type PipePlace =
  /** The name of a pipe. */
  | { kind: "pipe"; from: number; text: string; isFirst: boolean }
  | { kind: "function"; from: number; text: string; words: string[] }
  /**
   * A field's name, or where `mayBeColumn` a column's after an aggregate; `bar` is where the `|` of its pipe stands.
   * The first word of `top` would be a count if it began with a digit.
   */
  | { kind: "name"; from: number; text: string; bar: number; mayBeColumn: boolean; isFirstOfTop: boolean }
  | { kind: "duration"; from: number; text: string }
  | { kind: "words"; from: number; text: string; words: string[] };

interface Token {
  text: string;
  from: number;
  to: number;
}

/** The place at the end of `text` in the pipes that begin with the `|` at `at`. */
export function pipePlace(text: string, at: number): PipePlace | null {
  let bar = at;
  let tokens: Token[] = [];
  for (const token of tokensFrom(text, at)) {
    if (token.text === "|") {
      bar = token.from;
      tokens = [];
    } else tokens.push(token);
  }
  const last = tokens.at(-1);
  const isTyped = last !== undefined && last.to === text.length && !isPunctuation(last);
  const typed = isTyped ? last : { text: "", from: text.length, to: text.length };
  const before = isTyped ? tokens.slice(0, -1) : tokens;
  const place = placeAfter(
    before.map((token) => lowerAscii(token.text)),
    typed,
  );
  if (place === null) return null;
  const { from, text: word } = typed;
  const skipped = place.skip ? 1 : 0;
  return {
    ...place,
    from: from + skipped,
    text: plainText(word.slice(skipped)),
    bar,
    isFirst: bar === at,
  } as PipePlace;
}

function* tokensFrom(text: string, start: number): Generator<Token> {
  for (let at = start; at < text.length;) {
    const unit = text.charCodeAt(at);
    let end = at + 1;
    if (isSpace(unit)) {
      at = end;
      continue;
    }
    if (unit === CHAR.quote) end = endOfQuote(text, at) ?? text.length;
    else if (unit !== CHAR.comma) end = Math.max(end, endOfBare(text, at, CHAR.comma));
    yield { text: text.slice(at, end), from: at, to: end };
    at = end;
  }
}

function isPunctuation(token: Token): boolean {
  return ["(", ")", ",", "|"].includes(token.text);
}

interface Kind {
  kind: PipePlace["kind"];
  words?: string[];
  mayBeColumn?: boolean;
  isFirstOfTop?: boolean;
  /** The text typed begins with a character that is not part of the name. */
  skip?: boolean;
}

/** What may stand after the words `before` of a pipe. */
function placeAfter(before: string[], typed: Token): Kind | null {
  const [pipe] = before;
  const last = before.at(-1);
  switch (pipe) {
    case undefined:
      return { kind: "pipe" };
    case "stats":
    case "timechart":
      return aggregatePlace(before, pipe === "timechart");
    case "top": {
      const isAfterCount = before.length === 2 && /^[0-9]+$/.test(last ?? "");
      if (before.length === 1 || isAfterCount) return name({ isFirstOfTop: before.length === 1 });
      return null;
    }
    case "fields":
      return before.length === 1 || last === "," ? name({ mayBeColumn: true }) : null;
    case "sort":
      if (before.length === 1) return name({ mayBeColumn: true, skip: typed.text.startsWith("-") });
      return last?.startsWith("-") ? null : { kind: "words", words: ["asc", "desc"] };
    default:
      return null;
  }
}

function name(more: Omit<Kind, "kind">): Kind {
  return { kind: "name", mayBeColumn: false, isFirstOfTop: false, ...more };
}

/** Inside `stats` and `timechart`: functions, their fields, names and groups. */
function aggregatePlace(before: string[], isTimechart: boolean): Kind | null {
  const last = before.at(-1) ?? "";
  const isAfterName = before.length === 1;
  if (isAfterName && isTimechart) return { kind: "duration" };
  if (before.lastIndexOf("(") > before.lastIndexOf(")")) return last === "(" ? name({}) : null;
  if (last === "as" && before.at(-2) === ")") return null;
  const by = before.findIndex((word, at) => word === "by" && mayPrecedeBy(before, at));
  if (by >= 0) return by === before.length - 1 || last === "," ? name({}) : null;
  if (last === ")") return { kind: "words", words: ["as", "by"] };
  if (before.at(-2) === "as") return { kind: "words", words: ["by"] };
  if (isAfterName || last === ",") return { kind: "function", words: [] };
  return isTimechart && before.length === 2 ? { kind: "function", words: ["by"] } : null;
}

/** Whether the `by` at this place begins the groups: not as an alias, which may be called so too. */
function mayPrecedeBy(before: string[], at: number): boolean {
  return before[at - 1] !== "as" && before[at - 1] !== "," && before[at - 1] !== "(";
}
