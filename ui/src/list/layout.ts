/** Heights of rows in pixels; the style sheet says the same. */
export const ROW_HEIGHT = 22;
export const HEADER_HEIGHT = 28;

const WIDTHS: Record<string, string> = {
  message: "minmax(380px, 1fr)",
  service: "160px",
  level: "80px",
  trace_id: "270px",
};

/** The tracks of the grid: level, time, then the chosen columns; the last takes what is left unless the message does. */
export function gridTemplate(columns: readonly string[]): string {
  const tracks = columns.map((column, index) => {
    const isLast = index === columns.length - 1 && !columns.includes("message");
    return isLast ? "minmax(190px, 1fr)" : (WIDTHS[column] ?? "170px");
  });
  return ["56px", "190px", ...tracks].join(" ");
}
