/** Heights of rows in pixels; the style sheet says the same. */
export const ROW_HEIGHT = 22;
export const HEADER_HEIGHT = 28;

const WIDTHS: Record<string, string> = {
  message: "minmax(24rem, 1fr)",
  service: "8.5rem",
  level: "5rem",
  trace_id: "18rem",
};

/** The tracks of the grid: level, time, then the chosen columns; the last takes what is left unless the message does. */
export function gridTemplate(columns: readonly string[]): string {
  const tracks = columns.map((column, index) => {
    const isLast = index === columns.length - 1 && !columns.includes("message");
    return isLast ? "minmax(12rem, 1fr)" : (WIDTHS[column] ?? "11rem");
  });
  return ["3.25rem", "11.75rem", ...tracks].join(" ");
}
