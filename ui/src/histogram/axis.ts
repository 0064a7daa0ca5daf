import type uPlot from "uplot";
import { formatTime } from "../timerange/format";
import { zoneOffsetMs } from "../timerange/range";

const STEPS = [
  1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 10_800, 21_600, 43_200, 86_400,
  172_800, 345_600, 604_800, 1_209_600, 2_592_000, 7_776_000, 31_536_000,
];
const DAY = 86_400;

/** Where an axis of time has its marks, on clocks of `zone`, and what they say: the day only where it changes. */
export function axisTimes(zone: string): Pick<uPlot.Axis, "splits" | "values"> {
  return {
    splits: (_plot, _axis, first, last, step) => {
      const width = STEPS.find((each) => each >= step) ?? step;
      const offset = zoneOffsetMs(first * 1000, zone) / 1000;
      const marks: number[] = [];
      const start = Math.ceil((first + offset) / width) * width - offset;
      for (let mark = start; mark <= last; mark += width) {
        marks.push(mark);
      }
      return marks;
    },
    values: (plot, marks) =>
      labels(marks, zone).map((label, index) =>
        fits(plot, plot.valToPos(marks[index] ?? 0, "x"), label) ? label : "",
      ),
  };
}

/** About the width of a character of a label. */
const CHARACTER_PX = 6.2;

/** Whether a label in the middle of a mark ends before the right edge. */
function fits(plot: uPlot, mark: number, label: string): boolean {
  const end = plot.bbox.left / devicePixelRatio + mark + (label.length * CHARACTER_PX) / 2;
  return end <= plot.width;
}

/** The labels of marks in seconds. */
export function labels(marks: number[], zone: string): string[] {
  const step = (marks[1] ?? 0) - (marks[0] ?? 0);
  let day = "";
  return marks.map((mark) => {
    const [date = "", time = ""] = formatTime(mark * 1000, zone).split(" ");
    const isNewDay = date !== day;
    day = date;
    if (step >= DAY) {
      return step >= 60 * DAY ? date.slice(0, 7) : date.slice(5);
    }
    const clock = step < 60 && step > 0 ? time.slice(0, 8) : time.slice(0, 5);
    return isNewDay ? `${date.slice(5)} ${clock}` : clock;
  });
}
