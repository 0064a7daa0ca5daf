import { useEffect, useMemo, useRef } from "react";
import uPlot from "uplot";
import type { Aggregates } from "../api/types";
import { formatCompact, formatNumber } from "../common/format";
import { visible } from "../common/unseen";
import { useSize } from "../common/useSize";
import { useStore } from "../common/useStore";
import { axisTimes } from "../histogram/axis";
import { colorOf } from "../histogram/colors";
import { useServices } from "../shell/services";
import { formatShort } from "../timerange/format";
import { linesOf } from "./table";
import "uplot/dist/uPlot.min.css";

const HEIGHT = 240;
const COLORS = 10;
/** More lines than that cannot be told apart. */
const MOST_LINES = 24;
const DASHES = [[], [6, 3], [2, 3]];

interface LineChartProps {
  table: Aggregates;
  value: number;
  zone: string;
}

/** Values over time, a line for each group; lines differ in dashes as well as in colour. */
export function LineChart({ table, value, zone }: LineChartProps) {
  const { theme } = useServices();
  const shownTheme = useStore(theme.shown);
  const box = useRef<HTMLDivElement>(null);
  const { width } = useSize(box);
  const { times, lines } = useMemo(() => linesOf(table, value), [table, value]);

  // The theme decides the colours that are drawn.
  // biome-ignore lint/correctness/useExhaustiveDependencies: see above
  useEffect(() => {
    if (!box.current || width === 0) {
      return;
    }
    const axis = { stroke: colorOf("text-muted"), font: "11px system-ui, sans-serif" };
    const grid = { stroke: colorOf("border-soft"), width: 1 };
    const shown = lines.slice(0, MOST_LINES);
    const plot = new uPlot(
      {
        width,
        height: HEIGHT,
        cursor: { drag: { x: false, y: false }, y: false },
        scales: {
          y: { range: (_plot, least, most) => [Math.min(0, least), Math.max(1e-9, most * 1.05)] },
        },
        axes: [
          {
            ...axis,
            gap: 9,
            grid: { show: false },
            ticks: { show: false },
            space: 90,
            ...axisTimes(zone),
          },
          {
            ...axis,
            grid,
            ticks: { show: false },
            size: 56,
            values: (_plot, values) =>
              values.map((each) =>
                Number.isInteger(each) ? formatCompact(each) : formatNumber(String(each)),
              ),
          },
        ],
        series: [
          {
            label: "Time",
            value: (_plot, time) => (time === null ? "" : formatShort(time * 1000, zone)),
          },
          ...shown.map((line, index) => ({
            label: visible(line.label),
            stroke: colorOf(`series-${index % COLORS}`),
            dash: DASHES[Math.floor(index / COLORS)] ?? [],
            width: 1.5,
            spanGaps: false,
            points: { show: times.length < 60, size: 4 },
          })),
        ],
      },
      [times.map((time) => time / 1000), ...shown.map((line) => line.values)],
      box.current,
    );
    return () => plot.destroy();
  }, [times, lines, width, zone, shownTheme]);

  return (
    <>
      <div className="line-chart" ref={box} aria-hidden="true" />
      {lines.length > MOST_LINES && (
        <p className="hint">
          The first {MOST_LINES} of {lines.length} lines; the table has all.
        </p>
      )}
    </>
  );
}
