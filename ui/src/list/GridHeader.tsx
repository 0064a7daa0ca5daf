import type { SortOrder } from "../api/types";
import { IconButton } from "../common/IconButton";
import { Icon } from "../common/icons";
import { Shown } from "../common/Shown";
import { visible } from "../common/unseen";

interface GridHeaderProps {
  columns: readonly string[];
  order: SortOrder | undefined;
  onOrder: (() => void) | undefined;
  onRemoveColumn: ((column: string) => void) | undefined;
}

export function GridHeader({ columns, order, onOrder, onRemoveColumn }: GridHeaderProps) {
  const sort = order && (order === "desc" ? "descending" : "ascending");
  return (
    <div role="rowgroup" className="event-header">
      <div role="row" aria-rowindex={1} className="event-header-row" tabIndex={-1}>
        <div role="columnheader" className="cell" tabIndex={-1}>
          Level
        </div>
        <div role="columnheader" className="cell" aria-sort={sort} tabIndex={-1}>
          {onOrder ? (
            <button
              type="button"
              className="header-button"
              title={
                order === "desc"
                  ? "Newest first; show oldest first"
                  : "Oldest first; show newest first"
              }
              onClick={onOrder}
            >
              Time <Icon name={order === "desc" ? "down" : "up"} />
            </button>
          ) : (
            "Time"
          )}
        </div>
        {columns.map((column) => (
          <div
            role="columnheader"
            className={`cell cell-value ${column === "message" ? "header-message" : ""}`}
            key={column}
            tabIndex={-1}
          >
            <span className="cell-text" title={visible(column)}>
              <Shown text={column} />
            </span>
            {onRemoveColumn && columns.length > 1 && (
              <span className="cell-actions">
                <IconButton
                  icon="close"
                  label={`Remove column ${column}`}
                  onClick={() => onRemoveColumn(column)}
                />
              </span>
            )}
          </div>
        ))}
      </div>
    </div>
  );
}
