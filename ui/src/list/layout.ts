/** Heights of rows in pixels; the style sheet says the same. */
export const ROW_HEIGHT = 22;
/** Of a row whose message has a line of its own. */
export const STACKED_ROW_HEIGHT = 44;
export const HEADER_HEIGHT = 28;

/** Widths of columns in pixels; what has none here is of the usual width. */
const WIDTHS: Record<string, number> = { message: 380, service: 160, level: 80, trace_id: 270 };
const USUAL_WIDTH = 170;
const LEVEL_WIDTH = 56;
const TIME_WIDTH = 190;
/** On narrow screens times are shown without their day, and columns take less. */
const NARROW_TIME_WIDTH = 104;
const NARROW_SCALE = 0.65;

export interface GridLayout {
  /** The tracks: level, time, then the chosen columns. */
  template: string;
  /** The least width of a row in pixels. */
  width: number;
  /** The message stands below the other columns. */
  stacked: boolean;
  rowHeight: number;
}

/**
 * The message takes the room that is left; without it the last column does. On narrow screens it has a line of its
 * own below the others.
 */
export function gridLayout(all: readonly string[], narrow: boolean): GridLayout {
  const stacked = narrow && all.includes("message");
  const columns = stacked ? all.filter((column) => column !== "message") : all;
  const scale = narrow ? NARROW_SCALE : 1;
  const widths = columns.map((column) => Math.round((WIDTHS[column] ?? USUAL_WIDTH) * scale));
  const time = narrow ? NARROW_TIME_WIDTH : TIME_WIDTH;
  const widest = columns.includes("message") ? columns.indexOf("message") : columns.length - 1;
  const tracks = widths.map((width, index) =>
    index === widest ? `minmax(${width}px, 1fr)` : `${width}px`,
  );
  const timeTrack = columns.length > 0 ? `${time}px` : `minmax(${time}px, 1fr)`;
  return {
    template: [`${LEVEL_WIDTH}px`, timeTrack, ...tracks].join(" "),
    width: widths.reduce((sum, width) => sum + width, LEVEL_WIDTH + time),
    stacked,
    rowHeight: stacked ? STACKED_ROW_HEIGHT : ROW_HEIGHT,
  };
}
