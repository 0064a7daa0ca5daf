import uPlot from "uplot";
import { formatCompact } from "../common/format";
import { axisTimes } from "./axis";
import { colorOf } from "./colors";
import { type Bars, stack } from "./shape";

/** A shorter drag is a click. */
const DRAG_PX = 4;

export interface PlotEvents {
  /** A range of buckets was brushed, or one was clicked: first and last. */
  onBrush: (first: number, last: number) => void;
  /** The bucket under the pointer, and where it is; null when there is none. */
  onPoint: (place: { index: number; left: number } | null) => void;
  /** A press of the pointer began or ended: what is brushed must not be drawn anew meanwhile. */
  onHold: (held: boolean) => void;
}

/** Draws the stacked bars into `parent`; to be destroyed by who calls. */
export function drawBars(
  parent: HTMLElement,
  bars: Bars,
  zone: string,
  size: { width: number; height: number },
  events: PlotEvents,
): uPlot {
  const sums = stack(bars);
  const layers = [...bars.layers].reverse();
  const seconds = bars.intervalMs / 1000;
  const starts = bars.starts.map((start) => start / 1000);
  const axis = { stroke: colorOf("text-muted"), font: "11px system-ui, sans-serif" };
  const paths = uPlot.paths.bars?.({ size: [1, Number.POSITIVE_INFINITY], gap: 1, align: 1 });
  const options: uPlot.Options = {
    ...size,
    padding: [6, 22, 0, 0],
    legend: { show: false },
    cursor: {
      y: false,
      points: { show: false },
      drag: { x: true, y: false, setScale: false },
    },
    scales: {
      x: { time: true, range: () => [starts[0] ?? 0, (starts.at(-1) ?? 0) + seconds] },
      y: { range: (_plot, _least, most) => [0, Math.max(1, most * 1.05)] },
    },
    axes: [
      {
        ...axis,
        size: 26,
        gap: 7,
        grid: { show: false },
        ticks: { show: false },
        space: 90,
        ...axisTimes(zone),
      },
      {
        ...axis,
        size: 46,
        gap: 4,
        splits: (_plot, _axis, _least, most) => [
          0,
          Math.round(most / 1.05 / 2),
          Math.round(most / 1.05),
        ],
        values: (_plot, values) => values.map(formatCompact),
        grid: { stroke: colorOf("border-soft"), width: 1 },
        ticks: { show: false },
      },
    ],
    series: [
      {},
      ...layers.map((layer) => {
        const fill = colorOf(layer.color);
        return { fill, stroke: fill, width: 0, points: { show: false }, ...(paths && { paths }) };
      }),
    ],
    hooks: {
      setSelect: [
        (plot) => {
          const { left, width } = plot.select;
          plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
          if (width >= DRAG_PX) {
            events.onBrush(bucketAt(plot, left, bars), bucketAt(plot, left + width, bars));
          }
        },
      ],
      setCursor: [
        (plot) => {
          const { left } = plot.cursor;
          events.onPoint(
            left === undefined || left < 0
              ? null
              : {
                  index: bucketAt(plot, left, bars),
                  left: left + plot.bbox.left / devicePixelRatio,
                },
          );
        },
      ],
    },
  };
  const data = [starts, ...sums] as unknown as uPlot.AlignedData;
  const plot = new uPlot(options, layers.length > 0 ? data : [starts], parent);
  plot.over.addEventListener("mousedown", (pressed) => {
    if (pressed.button !== 0) {
      return;
    }
    events.onHold(true);
    const onRelease = (released: MouseEvent) => {
      const { left } = plot.cursor;
      if (
        Math.abs(released.clientX - pressed.clientX) < DRAG_PX &&
        left !== undefined &&
        left >= 0
      ) {
        const index = bucketAt(plot, left, bars);
        events.onBrush(index, index);
      }
      events.onHold(false);
    };
    // After that of the plot itself, which was added first.
    document.addEventListener("mouseup", onRelease, { once: true });
  });
  return plot;
}

function bucketAt(plot: uPlot, left: number, bars: Bars): number {
  const time = plot.posToVal(left, "x") * 1000;
  const after = bars.starts.findIndex((start) => start > time);
  return Math.max(0, (after < 0 ? bars.starts.length : after) - 1);
}
