import { useMemo, useState } from "react";
import type { Aggregates } from "../api/types";
import { formatCount } from "../common/format";
import { BarChart } from "./BarChart";
import { DataTable } from "./DataTable";
import { LineChart } from "./LineChart";
import { chartOf, numberColumns } from "./table";
import "./aggregates.css";

interface AggregatesViewProps {
  aggregates: Aggregates | null;
  query: string;
  zone: string;
  over: boolean;
}

/** The table of a query that aggregates, and its chart. */
export default function AggregatesView({ aggregates, query, zone, over }: AggregatesViewProps) {
  const [chosen, setChosen] = useState<string | null>(null);
  const numbers = useMemo(() => (aggregates ? numberColumns(aggregates) : []), [aggregates]);
  if (!aggregates || aggregates.rows.length === 0) {
    return (
      <div className="results aggregates">
        <p className="no-events">
          {over ? "No events match, so there is nothing to count." : "Counting…"}
        </p>
      </div>
    );
  }
  const isLine = chartOf(query) === "line";
  const candidates = numbers.filter(
    (index) => !(isLine && aggregates.columns[index] === "timestamp"),
  );
  const value =
    candidates.find((index) => aggregates.columns[index] === chosen) ??
    defaultValue(candidates, isLine);
  return (
    <section className="results aggregates" aria-label="Table">
      <div className="list-toolbar">
        <span className="list-summary">
          {formatCount(aggregates.rows.length)} {aggregates.rows.length === 1 ? "row" : "rows"}
          {over ? "" : " so far"}
        </span>
        {candidates.length > 1 && value !== undefined && (
          <label className="field-select">
            <span>Chart of</span>
            <select
              value={aggregates.columns[value]}
              onChange={(event) => setChosen(event.target.value)}
            >
              {candidates.map((index) => (
                <option key={aggregates.columns[index]}>{aggregates.columns[index]}</option>
              ))}
            </select>
          </label>
        )}
      </div>
      <div className="aggregates-body">
        {value !== undefined &&
          (isLine ? (
            <LineChart table={aggregates} value={value} zone={zone} />
          ) : (
            <BarChart table={aggregates} value={value} />
          ))}
        <DataTable table={aggregates} zone={zone} numbers={numbers} />
      </div>
    </section>
  );
}

/** Groups that are numbers come first in a table, the values after them. */
function defaultValue(candidates: number[], isLine: boolean): number | undefined {
  return isLine || candidates.length === 1
    ? candidates[0]
    : (candidates.find((index) => index > 0) ?? candidates[0]);
}
