// Characters that nobody sees, or that change how those around them are seen: controls, marks of direction, what has
// no width. Texts of events may hold any of them, also to mislead; so they are shown as symbols.

/** A stretch of a text: as it is, and what is shown instead if it cannot be seen. */
export interface Piece {
  text: string;
  symbols: string | null;
}

/** Parts that a text is taken apart into; what is left is one part. */
const MOST_PIECES = 2_000;
/** Beginning of Unicode's block of pictures of control characters. */
const CONTROL_PICTURES = 0x2400;
const DELETE = 0x7f;

/** Line feeds and tabs do what they are for, and so does a carriage return before a line feed. */
const CONTROLS = String.raw`[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]|\r(?!\n)`;
/** Formats (directions, joiners, tags), separators, halves of characters, and letters without a shape. */
const FORMATS = String.raw`[\p{Cf}\p{Zl}\p{Zp}\p{Cs}\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\uffa0]`;
/** Formats that are seen: signs that stand before a number or a verse. */
const SEEN = String.raw`[\u0600-\u0605\u06dd\u070f\u0890\u0891\u08e2\u{110bd}\u{110cd}]`;
/** Selectors of a variation; after an emoji they are a part of it. */
const VARIATIONS = String.raw`(?<!\p{Emoji})[\ufe00-\ufe0f]|[\u{e0100}-\u{e01ef}]`;
/** Scripts whose letters join, so that joiners are a part of their words. */
const JOINING = ["Arab", "Syrc", "Mong", "Deva", "Beng", "Guru", "Gujr", "Orya", "Taml", "Telu"]
  .concat(["Knda", "Mlym", "Sinh", "Khmr", "Mymr", "Tibt"])
  .map((script) => String.raw`\p{Script=${script}}`)
  .join("");
const JOINED = [
  String.raw`(?<=[${JOINING}])[\u200c\u200d](?=[${JOINING}])`,
  String.raw`(?<=[\p{Extended_Pictographic}\p{Emoji_Modifier}\ufe0f])\u200d(?=\p{Extended_Pictographic})`,
].join("|");

const ONE = `(?!${SEEN}|${JOINED})(?:${CONTROLS}|${FORMATS}|${VARIATIONS})`;
const UNSEEN = new RegExp(`(?:${ONE})+`, "gu");
/** Quickly tells most texts that need no closer look: of Latin, Greek, Cyrillic, Chinese, Japanese and Korean. */
const SUSPECT = /[^\t\n\x20-\x7e\xa1-\xac\xae-\u02ff\u0370-\u058f\u3000-\u3163\u3200-\ud7ff]/;

/** The parts of a text in its order; a text without unseen characters is one part. */
export function piecesOf(text: string): Piece[] {
  if (!SUSPECT.test(text)) {
    return [{ text, symbols: null }];
  }
  const pieces: Piece[] = [];
  let at = 0;
  for (const match of text.matchAll(UNSEEN)) {
    if (pieces.length >= MOST_PIECES) {
      const rest = text.slice(at);
      return [...pieces, { text: rest, symbols: rest.replaceAll(UNSEEN, symbolsOf) }];
    }
    if (match.index > at) {
      pieces.push({ text: text.slice(at, match.index), symbols: null });
    }
    pieces.push({ text: match[0], symbols: symbolsOf(match[0]) });
    at = match.index + match[0].length;
  }
  return at < text.length ? [...pieces, { text: text.slice(at), symbols: null }] : pieces;
}

/** A text with symbols in place of what is not seen. */
export function visible(text: string): string {
  return SUSPECT.test(text) ? text.replaceAll(UNSEEN, symbolsOf) : text;
}

/** JSON that means the same, with escapes in place of what is not seen. */
export function visibleJson(json: string): string {
  return SUSPECT.test(json) ? json.replaceAll(UNSEEN, escapesOf) : json;
}

/** The names of characters by their code points: `U+202E`. */
export function namesOf(text: string): string {
  return [...new Set(text)].map((character) => nameOf(codeOf(character))).join(" ");
}

function symbolsOf(text: string): string {
  return [...text].map((character) => symbolOf(codeOf(character))).join("");
}

function symbolOf(code: number): string {
  if (code < 0x20) {
    return String.fromCodePoint(CONTROL_PICTURES + code);
  }
  return code === DELETE ? "␡" : `‹${nameOf(code)}›`;
}

function nameOf(code: number): string {
  return `U+${code.toString(16).toUpperCase().padStart(4, "0")}`;
}

function codeOf(character: string): number {
  return character.codePointAt(0) ?? 0;
}

function escapesOf(text: string): string {
  return text
    .split("")
    .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`)
    .join("");
}
