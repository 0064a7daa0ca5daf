// Sets of characters, each written as a class that JavaScript understands under the flag `v`.

/** Whether a character, by its code point, belongs to a set. */
export type CharSet = (codePoint: number) => boolean;

const ASCII = 128;

/** RE2's classes, which are ASCII. */
export const CLASSES: Record<string, string> = {
  d: "[0-9]",
  D: "[^0-9]",
  s: "[\\t\\n\\f\\r ]",
  S: "[^\\t\\n\\f\\r ]",
  w: "[0-9A-Za-z_]",
  W: "[^0-9A-Za-z_]",
};

/** The names of `[[:name:]]`. */
export const POSIX: Record<string, string> = {
  alnum: "0-9A-Za-z",
  alpha: "A-Za-z",
  ascii: "\\x00-\\x7f",
  blank: "\\t ",
  cntrl: "\\x00-\\x1f\\x7f",
  digit: "0-9",
  graph: "\\x21-\\x7e",
  lower: "a-z",
  print: "\\x20-\\x7e",
  punct: "\\x21-\\x2f\\x3a-\\x40\\x5b-\\x60\\x7b-\\x7e",
  space: "\\t\\n\\v\\f\\r ",
  upper: "A-Z",
  word: "0-9A-Za-z_",
  xdigit: "0-9A-Fa-f",
};

/** One character as it may stand in any class. */
export function literalSource(codePoint: number): string {
  return `\\u{${codePoint.toString(16)}}`;
}

/** `\p{name}`; a script may go by its bare name. Throws when there is no such property. */
export function propertySource(name: string, negated: boolean): string {
  const letter = negated ? "P" : "p";
  const spelled = name.replace(":", "=");
  for (const candidate of [spelled, `Script=${spelled}`, `General_Category=${spelled}`]) {
    try {
      new RegExp(`\\p{${candidate}}`, "v");
      return `\\${letter}{${candidate}}`;
    } catch {
      // Not by this name; perhaps by the next.
    }
  }
  throw new Error(`no Unicode property ${name}`);
}

/** The set that `source` stands for; throws when JavaScript does not know it. */
export function charSet(source: string, ignoreCase: boolean): CharSet {
  const pattern = new RegExp(`^${source}$`, ignoreCase ? "vi" : "v");
  const ascii = Uint8Array.from({ length: ASCII }, (_, code) => (pattern.test(String.fromCharCode(code)) ? 1 : 0));
  return (codePoint) => (codePoint < ASCII ? ascii[codePoint] === 1 : pattern.test(String.fromCodePoint(codePoint)));
}
