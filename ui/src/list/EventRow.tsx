import { memo, useState } from "react";
import { IconButton } from "../common/IconButton";
import { Marked } from "../common/Marked";
import type { LogEvent } from "../events/event";
import { fieldOf } from "../events/fields";
import { LEVEL_BADGES } from "../events/level";
import { displayText, isScalar, type JsonScalar } from "../json/value";
import type { Highlighter } from "../language/index";
import { formatTime } from "../timerange/format";

export type FilterBy = (field: string, value: JsonScalar, mode: "in" | "out") => void;

export interface EventRowProps {
  /** Only the active row needs one. */
  id: string | undefined;
  index: number;
  event: LogEvent;
  columns: readonly string[];
  zone: string;
  narrow: boolean;
  highlighter: Highlighter;
  top: number;
  active: boolean;
  opened: boolean;
  anchor: boolean;
  measure: ((element: HTMLElement | null) => void) | undefined;
  onOpen: (index: number) => void;
  onFilter: FilterBy | undefined;
}

export const EventRow = memo(function EventRow(props: EventRowProps) {
  const { event, index } = props;
  const states = [
    "event-row",
    `level-${event.level ?? "none"}`,
    props.active ? "is-active" : "",
    props.opened ? "is-opened" : "",
    props.anchor ? "is-anchor" : "",
  ];
  return (
    // The grid handles the keys of its rows.
    // biome-ignore lint/a11y/useKeyWithClickEvents: see above
    <div
      id={props.id}
      ref={props.measure}
      role="row"
      tabIndex={-1}
      className={states.join(" ")}
      data-index={index}
      aria-rowindex={index + 2}
      aria-selected={props.opened}
      aria-current={props.anchor || undefined}
      style={{ transform: `translateY(${props.top}px)` }}
      onClick={() => {
        if (!window.getSelection()?.toString()) {
          props.onOpen(index);
        }
      }}
    >
      <div role="gridcell" className="cell cell-level" tabIndex={-1}>
        <span className="level-badge">{event.level ? LEVEL_BADGES[event.level] : "–"}</span>
      </div>
      <div role="gridcell" className="cell cell-time" tabIndex={-1}>
        {timeOf(event, props.zone, props.narrow)}
      </div>
      {props.columns.map((column) => (
        <Cell key={column} column={column} {...props} />
      ))}
    </div>
  );
});

function timeOf(event: LogEvent, zone: string, narrow: boolean): string {
  if (!event.moment) {
    return narrow ? "no time" : "no timestamp";
  }
  const text = formatTime(event.moment.ms, zone);
  return narrow ? text.slice(11) : text;
}

function Cell({ column, event, highlighter, onFilter }: EventRowProps & { column: string }) {
  // Buttons are made only where the pointer is: they would be most of what a row costs.
  const [pointed, setPointed] = useState(false);
  if (column === "message") {
    return (
      <div role="gridcell" className="cell cell-message" tabIndex={-1}>
        <Marked text={event.message} field="message" highlighter={highlighter} />
      </div>
    );
  }
  const value = fieldOf(event.root, column);
  if (value === undefined) {
    return <div role="gridcell" className="cell" tabIndex={-1} />;
  }
  return (
    <div
      role="gridcell"
      className="cell cell-value"
      tabIndex={-1}
      onPointerEnter={() => setPointed(true)}
      onPointerLeave={() => setPointed(false)}
    >
      <span className="cell-text">
        <Marked text={displayText(value)} field={column} highlighter={highlighter} />
      </span>
      {pointed && onFilter && isScalar(value) && (
        <span className="cell-actions">
          {(["in", "out"] as const).map((mode) => (
            <IconButton
              key={mode}
              icon={mode === "in" ? "plus" : "minus"}
              label={`${mode === "in" ? "Only" : "Without"} ${column} ${displayText(value)}`}
              tabIndex={-1}
              onClick={(click) => {
                click.stopPropagation();
                onFilter(column, value, mode);
              }}
            />
          ))}
        </span>
      )}
    </div>
  );
}
