import { useMemo, useState } from "react";
import type { Aggregates } from "../api/types";
import { formatCount, formatNumber } from "../common/format";
import { Icon } from "../common/icons";
import { Shown } from "../common/Shown";
import { JsonNumber, type JsonScalar, scalarText } from "../json/value";
import { formatShort } from "../timerange/format";
import { copiedTable } from "./copy";
import { type Sorting, sortRows } from "./table";

/** Rows that are shown at once; more on demand. */
const STEP = 500;

interface DataTableProps {
  table: Aggregates;
  zone: string;
  numbers: readonly number[];
}

/** A table whose columns sort. */
export function DataTable({ table, zone, numbers }: DataTableProps) {
  const [sorting, setSorting] = useState<Sorting | null>(null);
  const [shown, setShown] = useState(STEP);
  const rows = useMemo(() => sortRows(table.rows, sorting), [table, sorting]);
  const sortBy = (column: number) => {
    const descending = sorting?.column === column ? !sorting.descending : numbers.includes(column);
    setSorting({ column, descending });
  };
  return (
    <div
      className="table-scroll"
      tabIndex={0}
      role="region"
      aria-label="Rows"
      onCopy={(event) => {
        const text = copiedTable(window.getSelection());
        if (text !== null) {
          event.clipboardData.setData("text/plain", text);
          event.preventDefault();
        }
      }}
    >
      <table className="data-table">
        <thead>
          <tr>
            {table.columns.map((name, column) => (
              <th
                key={name}
                scope="col"
                className={numbers.includes(column) ? "is-number" : ""}
                aria-sort={
                  sorting?.column === column
                    ? sorting.descending
                      ? "descending"
                      : "ascending"
                    : undefined
                }
              >
                <button type="button" className="header-button" onClick={() => sortBy(column)}>
                  <Shown text={name} />
                  {sorting?.column === column && <Icon name={sorting.descending ? "down" : "up"} />}
                </button>
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.slice(0, shown).map((row, index) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: rows have no names of their own
            <tr key={index}>
              {row.map((value, column) => (
                <td
                  key={table.columns[column]}
                  className={
                    numbers.includes(column) ? "is-number" : value === null ? "is-null" : ""
                  }
                  title={wholeNumber(value)}
                  data-exact={typeof value === "string" ? value : undefined}
                >
                  <Shown text={cellText(value, table.columns[column] ?? "", zone)} />
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
      {rows.length > shown && (
        <button type="button" className="button" onClick={() => setShown(shown + STEP)}>
          Show more of {formatCount(rows.length)} rows
        </button>
      )}
    </div>
  );
}

function cellText(value: JsonScalar, column: string, zone: string): string {
  if (column === "timestamp" && typeof value === "string") {
    return formatShort(Date.parse(value), zone);
  }
  return value instanceof JsonNumber ? formatNumber(value.text) : scalarText(value);
}

/** A number with all its digits, if fewer are shown. */
function wholeNumber(value: JsonScalar): string | undefined {
  return value instanceof JsonNumber && formatNumber(value.text) !== value.text
    ? value.text
    : undefined;
}
