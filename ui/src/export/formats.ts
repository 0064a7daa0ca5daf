import type { LogEvent } from "../events/event";
import { fieldOf } from "../events/fields";
import { displayText } from "../json/value";

/** One field of a CSV line by RFC 4180; what a spreadsheet would take for a formula gets an apostrophe before it. */
export function csvField(text: string): string {
  const safe =
    /^[=+\-@\t\r]/.test(text) && !/^[+-]?\d+(\.\d+)?([eE][+-]?\d+)?$/.test(text)
      ? `'${text}`
      : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
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

/** An argument for a POSIX shell. */
export function shellQuote(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
