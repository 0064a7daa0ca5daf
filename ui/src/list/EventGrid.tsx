import { useVirtualizer } from "@tanstack/react-virtual";
import {
  type CSSProperties,
  type ReactNode,
  type Ref,
  useCallback,
  useEffect,
  useId,
  useImperativeHandle,
  useRef,
} from "react";
import type { SortOrder } from "../api/types";
import { NARROW, useMedia } from "../common/useSize";
import type { EventSource } from "../events/eventList";
import type { Highlighter } from "../language/index";
import { EventRow, type FilterBy } from "./EventRow";
import { GridHeader } from "./GridHeader";
import { gridKeys } from "./keys";
import { gridLayout, HEADER_HEIGHT } from "./layout";

export interface EventGridHandle {
  focus: () => void;
  scrollToIndex: (index: number, align?: "auto" | "center" | "end") => void;
}

export interface EventGridProps {
  label: string;
  source: EventSource;
  /** How many events of the source are shown; the grid draws anew when it changes. */
  count: number;
  columns: readonly string[];
  wrap: boolean;
  zone: string;
  highlighter: Highlighter;
  active: number;
  opened: number | null;
  anchor?: number | null;
  order?: SortOrder;
  footer?: ReactNode;
  handle?: Ref<EventGridHandle>;
  onActive: (index: number) => void;
  onOpen: (index: number | null) => void;
  onFilter?: FilterBy;
  onOrder?: () => void;
  onRemoveColumn?: (column: string) => void;
  /** The last row on screen, whenever it changes. */
  onSeen?: (last: number) => void;
  /** The End key: what is not loaded yet is wanted too. */
  onEnd?: () => void;
  onScroll?: (atEnd: boolean) => void;
}

/** More than there are rows on any screen. */
const ROW_ELEMENTS = 512;

/** The list of events: only the rows on screen exist, however long it is. */
export function EventGrid(props: EventGridProps) {
  const { source, count, wrap } = props;
  const id = useId();
  const narrow = useMedia(NARROW);
  const layout = gridLayout(props.columns, narrow);
  const scroller = useRef<HTMLDivElement>(null);
  const virtualizer = useVirtualizer({
    count,
    getScrollElement: () => scroller.current,
    estimateSize: () => layout.rowHeight,
    overscan: 10,
    scrollMargin: HEADER_HEIGHT,
    scrollPaddingStart: HEADER_HEIGHT,
  });
  const rows = virtualizer.getVirtualItems();
  const last = rows.at(-1)?.index ?? 0;

  useImperativeHandle(props.handle, () => ({
    focus: () => scroller.current?.focus({ preventScroll: true }),
    scrollToIndex: (index, align = "auto") => virtualizer.scrollToIndex(index, { align }),
  }));

  const { onSeen } = props;
  useEffect(() => onSeen?.(last), [last, onSeen]);

  // Heights that were measured hold for one way of showing rows only.
  // biome-ignore lint/correctness/useExhaustiveDependencies: they decide the heights
  useEffect(() => virtualizer.measure(), [wrap, props.columns, layout.stacked, virtualizer]);

  const { onActive, onOpen, active } = props;
  const move = (index: number) => {
    const target = Math.max(0, Math.min(count - 1, index));
    onActive(target);
    virtualizer.scrollToIndex(target, { align: "auto" });
    if (props.opened !== null) {
      onOpen(target);
    }
  };
  const open = useCallback(
    (index: number) => {
      onActive(index);
      onOpen(index);
    },
    [onActive, onOpen],
  );

  const isShown = (index: number) =>
    rows.length > 0 && index >= (rows[0]?.index ?? 0) && index <= last;
  const pageRows = Math.max(
    1,
    Math.floor((scroller.current?.clientHeight ?? 0) / layout.rowHeight) - 2,
  );
  return (
    <div
      ref={scroller}
      role="grid"
      aria-label={props.label}
      aria-rowcount={count + 1}
      aria-colcount={props.columns.length + 2}
      aria-activedescendant={isShown(active) ? `${id}-${active}` : undefined}
      tabIndex={0}
      className={`event-grid ${wrap ? "is-wrapped" : ""} ${layout.stacked ? "is-stacked" : ""}`}
      style={
        {
          "--grid-template": layout.template,
          "--grid-width": `${layout.width}px`,
        } as CSSProperties
      }
      onKeyDown={(event) =>
        gridKeys(event, {
          move: (by) => move(active + by),
          page: (by) => move(active + by * pageRows),
          first: () => move(0),
          last: () => {
            move(count - 1);
            props.onEnd?.();
          },
          open: () => open(active),
          close: () => onOpen(null),
        })
      }
      onScroll={(event) => {
        const { scrollTop, scrollHeight, clientHeight } = event.currentTarget;
        props.onScroll?.(scrollTop + clientHeight >= scrollHeight - layout.rowHeight);
      }}
    >
      <GridHeader
        columns={props.columns}
        order={props.order}
        onOrder={props.onOrder}
        onRemoveColumn={props.onRemoveColumn}
      />
      <div role="rowgroup" className="event-rows" style={{ height: virtualizer.getTotalSize() }}>
        {rows.map((row) => (
          <EventRow
            // Elements of rows that went are used for those that came: cheaper than new ones.
            key={wrap ? row.index : row.index % ROW_ELEMENTS}
            id={row.index === active ? `${id}-${active}` : undefined}
            index={row.index}
            event={source.event(row.index)}
            columns={props.columns}
            zone={props.zone}
            narrow={narrow}
            highlighter={props.highlighter}
            top={row.start - HEADER_HEIGHT}
            active={row.index === active}
            opened={row.index === props.opened}
            anchor={row.index === props.anchor}
            measure={wrap ? virtualizer.measureElement : undefined}
            onOpen={open}
            onFilter={props.onFilter}
          />
        ))}
      </div>
      {props.footer}
    </div>
  );
}
