// How names and values are written into a query, and read from it again; see crates/query/src/display.rs.

import { isWord } from "./characters";
import { KEYWORDS } from "./vocabulary";

/**
 * A value in quotes, as it may stand after `field:=`, after `field:` and as a term of its own. (An empty one may
 * stand after `field:=` only.)
 */
export function quoteValue(value: string): string {
  return `"${value.replace(/["\\]/g, "\\$&")}"`;
}

/** A field's name as it may stand before `:` and in a pipe: bare where that is the same in both, else in quotes. */
export function quoteField(name: string): string {
  const isPlain = [...name].every((character) => isWord(character) || ".@-".includes(character));
  return isPlain && name !== "" && !name.startsWith("-") ? name : quoteValue(name);
}

/** A text as a word where it is one, else as a phrase. */
export function quoteTerm(text: string): string {
  const isBare = text !== "" && [...text].every(isWord) && !(KEYWORDS as readonly string[]).includes(text);
  return isBare ? text : quoteValue(text);
}

/** The text that a bare or quoted token without wildcards stands for. */
export function plainText(token: string): string {
  return token.startsWith('"') ? quotedText(token) : bareParts(token).parts.join("*");
}

/** The text between quotes; a missing closing quote is forgiven. */
export function quotedText(token: string): string {
  const isClosed = token.length > 1 && token.endsWith('"') && quoteEnds(token);
  return token.slice(1, isClosed ? -1 : undefined).replace(/\\(["\\])/g, "$1");
}

/** Whether the last quote is no escaped one. */
function quoteEnds(token: string): boolean {
  const before = /\\*$/.exec(token.slice(1, -1));
  // A backslash before another character stands for itself, but in a run of them each takes the next.
  return (before?.[0].length ?? 0) % 2 === 0;
}

/** What a bare token is made of: the parts between its stars, and whether one stands at its beginning or end. */
export interface BareParts {
  parts: string[];
  openStart: boolean;
  openEnd: boolean;
}

export function bareParts(token: string): BareParts {
  const parts = [""];
  let openEnd = false;
  for (let at = 0; at < token.length; at += 1) {
    const isStar = token[at] === "*";
    if (isStar) parts.push("");
    else {
      if (token[at] === "\\") at += 1;
      parts.push(`${parts.pop() ?? ""}${token[at] ?? ""}`);
    }
    openEnd = isStar;
  }
  return { parts: parts.filter((part) => part !== ""), openStart: token.startsWith("*"), openEnd };
}

/** The pattern between the slashes of a regex, in which `\/` is a slash, and whether letter case is ignored. */
export function regexParts(token: string): { pattern: string; ignoreCase: boolean } {
  const ignoreCase = token.endsWith("i");
  const pattern = token
    .slice(1, ignoreCase ? -2 : -1)
    .replace(/\\(.)/gsu, (whole, c: string) => (c === "/" ? "/" : whole));
  return { pattern, ignoreCase };
}
