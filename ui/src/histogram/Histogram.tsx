import { useEffect, useMemo, useRef, useState } from "react";
import type { Histogram } from "../api/types";
import { formatCount, formatInterval } from "../common/format";
import { IconButton } from "../common/IconButton";
import { Shown } from "../common/Shown";
import { useSize } from "../common/useSize";
import { useStore } from "../common/useStore";
import { useServices } from "../shell/services";
import { formatShort } from "../timerange/format";
import { BucketTable } from "./BucketTable";
import { FieldSelect } from "./FieldSelect";
import { drawBars } from "./plot";
import { shapeHistogram } from "./shape";
import "uplot/dist/uPlot.min.css";
import "./histogram.css";

const HEIGHT = 116;

interface HistogramProps {
  histogram: Histogram | null;
  range: { from: number | null; to: number };
  zone: string;
  by: string;
  onBy: (field: string) => void;
  onRange: (fromMs: number, toMs: number) => void;
}

/** Events over the whole range, stacked; a brush over it narrows the range. */
export default function HistogramPanel(props: HistogramProps) {
  const { theme } = useServices();
  const shownTheme = useStore(theme.shown);
  const box = useRef<HTMLDivElement>(null);
  const { width } = useSize(box);
  const [point, setPoint] = useState<{ index: number; left: number } | null>(null);
  const [asTable, setAsTable] = useState(false);
  const { histogram, range, zone } = props;
  const [held, setHeld] = useState(false);
  const latest = useMemo(
    () =>
      shapeHistogram(
        histogram ?? { interval_ms: 60_000, by: null, complete: false, buckets: [] },
        range,
      ),
    [histogram, range],
  );
  // While the pointer is down, bars stay as they were when it went down.
  const shown = useRef(latest);
  if (!held) {
    shown.current = latest;
  }
  const bars = shown.current;
  const brush = useRef((_first: number, _last: number) => {});
  brush.current = (first, last) => {
    const [start, end] = [bars.starts[first], bars.starts[last]];
    if (start !== undefined && end !== undefined) {
      props.onRange(start, end + bars.intervalMs);
    }
  };

  // The theme decides the colours that are drawn.
  // biome-ignore lint/correctness/useExhaustiveDependencies: see above
  useEffect(() => {
    if (!box.current || width === 0) {
      return;
    }
    const plot = drawBars(
      box.current,
      bars,
      zone,
      { width, height: HEIGHT },
      {
        onBrush: (first, last) => brush.current(first, last),
        onPoint: setPoint,
        onHold: setHeld,
      },
    );
    return () => plot.destroy();
  }, [bars, zone, width, shownTheme]);

  return (
    <section className="histogram" aria-label="Histogram">
      <div className="histogram-head">
        <FieldSelect label="Stacked by" value={props.by} onChange={props.onBy} />
        <ul className="legend">
          {bars.layers.map((layer) => (
            <li key={layer.key}>
              <span className="swatch" style={{ background: `var(--${layer.color})` }} />
              <Shown text={layer.label} /> <span className="count">{formatCount(layer.total)}</span>
            </li>
          ))}
        </ul>
        <span className="histogram-note">
          {histogram &&
            `${histogram.complete ? "" : "counting… "}${formatInterval(bars.intervalMs)} a bar`}
        </span>
        <IconButton
          icon="table"
          label="Histogram as a table"
          aria-pressed={asTable}
          onClick={() => setAsTable(!asTable)}
        />
      </div>
      <div className="histogram-plot" ref={box}>
        {point && bars.totals[point.index] !== undefined && (
          <Tooltip point={point} bars={bars} zone={zone} width={width} />
        )}
      </div>
      <BucketTable
        bars={bars}
        zone={zone}
        visible={asTable}
        onBucket={(i) => brush.current(i, i)}
      />
    </section>
  );
}

interface TooltipProps {
  point: { index: number; left: number };
  bars: ReturnType<typeof shapeHistogram>;
  zone: string;
  width: number;
}

function Tooltip({ point, bars, zone, width }: TooltipProps) {
  const start = bars.starts[point.index] ?? 0;
  const toLeft = point.left > width / 2;
  return (
    <div
      className="plot-tooltip"
      aria-hidden="true"
      style={toLeft ? { right: width - point.left + 12 } : { left: point.left + 12 }}
    >
      <strong>{formatShort(start, zone)}</strong>
      <span>{formatCount(bars.totals[point.index] ?? 0)} events</span>
      {bars.layers
        .filter((layer) => (layer.counts[point.index] ?? 0) > 0)
        .map((layer) => (
          <span key={layer.key}>
            <span className="swatch" style={{ background: `var(--${layer.color})` }} />
            <Shown text={layer.label} /> {formatCount(layer.counts[point.index] ?? 0)}
          </span>
        ))}
    </div>
  );
}
