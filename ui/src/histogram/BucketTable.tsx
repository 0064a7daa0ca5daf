import { formatCount } from "../common/format";
import { Shown } from "../common/Shown";
import { visible as visibleText } from "../common/unseen";
import { formatShort } from "../timerange/format";
import type { Bars } from "./shape";

interface BucketTableProps {
  bars: Bars;
  zone: string;
  visible: boolean;
  onBucket: (index: number) => void;
}

/** The histogram for those who do not see it or do not use a pointer. */
export function BucketTable({ bars, zone, visible, onBucket }: BucketTableProps) {
  if (!visible) {
    return (
      <p className="visually-hidden">
        {formatCount(bars.total)} events in {bars.starts.length} intervals;{" "}
        {bars.layers
          .map((layer) => `${visibleText(layer.label)} ${formatCount(layer.total)}`)
          .join(", ")}
        .
      </p>
    );
  }
  const filled = bars.starts.map((_, index) => index).filter((index) => bars.totals[index]);
  return (
    <div className="bucket-table" tabIndex={0} role="region" aria-label="Histogram table">
      <table>
        <thead>
          <tr>
            <th scope="col">From</th>
            <th scope="col">Events</th>
            {bars.layers.map((layer) => (
              <th scope="col" key={layer.key}>
                <Shown text={layer.label} />
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {filled.map((index) => (
            <tr key={bars.starts[index]}>
              <th scope="row">
                <button type="button" className="link-button" onClick={() => onBucket(index)}>
                  {formatShort(bars.starts[index] ?? 0, zone)}
                </button>
              </th>
              <td>{formatCount(bars.totals[index] ?? 0)}</td>
              {bars.layers.map((layer) => (
                <td key={layer.key}>{formatCount(layer.counts[index] ?? 0)}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
