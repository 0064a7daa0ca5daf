import type { LogEvent } from "../events/event";
import { fieldOf } from "../events/fields";
import { displayText } from "../json/value";

/** What a spreadsheet begins a formula with, after OWASP ("CSV Injection"); the last four are of full width. */
const FORMULA = /^[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]/;
/** A number is no formula, whatever its sign. */
const NUMBER = /^[+-]?\d+(\.\d+)?([eE][+-]?\d+)?$/;
/** What breaks a line apart, also in spreadsheets whose fields are apart by semicolons or tabs. */
const QUOTED = /[",;\t\r\n]/;

/** One field of a CSV line by RFC 4180; what a spreadsheet would take for a formula gets an apostrophe before it. */
export function csvField(text: string): string {
  const safe = FORMULA.test(text) && !NUMBER.test(text) ? `'${text}` : text;
  return QUOTED.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

export function csvHeader(columns: readonly string[]): string {
  return `${["timestamp", ...columns].map(csvField).join(",")}\r\n`;
}

/** An event as a line: its timestamp as it was sent, then the columns. */
export function csvLine(event: LogEvent, columns: readonly string[]): string {
  const cells = ["timestamp", ...columns].map((column) => {
    const value = fieldOf(event.root, column);
    return value === undefined ? "" : csvField(displayText(value));
  });
  return `${cells.join(",")}\r\n`;
}

/**
 * An argument for a shell. Controls are escapes: a terminal takes some of those that are pasted for keys, such as the
 * one that ends a line that was begun.
 */
export function shellQuote(text: string): string {
  if (/\p{Cc}/u.test(text)) {
    const escaped = text.replaceAll(/[\\']/g, "\\$&").replaceAll(/\p{Cc}/gu, octalEscapes);
    return `$'${escaped}'`;
  }
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

/** A character as the bytes of its UTF-8. */
function octalEscapes(character: string): string {
  return [...new TextEncoder().encode(character)]
    .map((byte) => `\\${byte.toString(8).padStart(3, "0")}`)
    .join("");
}
