import type { Aggregates } from "../api/types";
import { formatCount, formatNumber } from "../common/format";
import { Shown } from "../common/Shown";
import { visible } from "../common/unseen";
import { JsonNumber } from "../json/value";

/** Bars that fit on a screen; the table has the rest. */
const MOST_BARS = 20;

interface BarChartProps {
  table: Aggregates;
  value: number;
}

/** A bar for each row, the longest first. The table below says the same to screen readers. */
export function BarChart({ table, value }: BarChartProps) {
  const bars = table.rows
    .map((row) => ({
      label:
        row
          .filter((_, index) => index < value)
          .map((part) => (part === null ? "none" : String(part)))
          .join(" · ") ||
        (table.columns[value] ?? ""),
      number: row[value] instanceof JsonNumber ? Number(row[value]) : null,
      text: String(row[value] ?? ""),
    }))
    .filter((bar): bar is typeof bar & { number: number } => bar.number !== null)
    .sort((a, b) => b.number - a.number);
  const most = Math.max(...bars.map((bar) => Math.abs(bar.number)), Number.MIN_VALUE);
  return (
    <div className="bar-chart" aria-hidden="true">
      {bars.slice(0, MOST_BARS).map((bar) => (
        <div key={bar.label} className="bar-row">
          <span className="bar-label" title={visible(bar.label)}>
            <Shown text={bar.label} />
          </span>
          <span className="bar-track">
            <span
              className="bar-fill"
              style={{ width: `${(Math.abs(bar.number) / most) * 100}%` }}
            />
          </span>
          <span className="bar-number">{shorten(bar.text)}</span>
        </div>
      ))}
      {bars.length > MOST_BARS && (
        <p className="hint">
          The first {MOST_BARS} of {bars.length}; the table has all.
        </p>
      )}
    </div>
  );
}

function shorten(text: string): string {
  const number = Number(text);
  return Number.isInteger(number) ? formatCount(number) : formatNumber(text);
}
