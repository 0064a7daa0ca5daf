import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import { copyText } from "../common/clipboard";
import { formatCount } from "../common/format";
import { Icon } from "../common/icons";
import { useStore } from "../common/useStore";
import { EventDrawer } from "../event/EventDrawer";
import { findEvent, linkOf } from "../event/permalink";
import { highlightsOf } from "../language/index";
import { EventGrid, type EventGridHandle } from "../list/EventGrid";
import { ListToolbar } from "../list/ListToolbar";
import { useServices } from "../shell/services";
import { ListFooter } from "./ListFooter";
import { NoEvents } from "./NoEvents";
import type { SearchSession } from "./session";
import { isOver, type SearchSnapshot } from "./snapshot";
import type { ViewActions } from "./useViewActions";

/** How far ahead of the last row on screen events are read: more, the further one has gone. */
const AHEAD_LEAST = 1_000;
const AHEAD_MOST = 10_000;
/** What the End key asks for beyond what is there. */
const TO_THE_END_STEP = 20_000;
/** How many events are looked through for the one that a permalink points at. */
const SOUGHT_MOST = 50_000;

interface ResultListProps {
  session: SearchSession;
  snapshot: SearchSnapshot;
  actions: ViewActions;
  onFacets: (() => void) | undefined;
}

export function ResultList({ session, snapshot, actions, onFacets }: ResultListProps) {
  const { address, announcer, contextOf } = useServices();
  const view = useStore(address.store);
  const grid = useRef<EventGridHandle>(null);
  const [active, setActive] = useState(0);
  const [opened, setOpened] = useState<number | null>(null);
  const [toEnd, setToEnd] = useState(false);
  const highlighter = useMemo(() => highlightsOf(view.query ?? ""), [view.query]);
  const { events, eventCount, exhausted } = snapshot;

  const onSeen = useCallback(
    (last: number) => {
      const ahead = Math.max(AHEAD_LEAST, Math.min(AHEAD_MOST, last / 4));
      void session.want(last + ahead);
    },
    [session],
  );
  useEffect(() => {
    if (toEnd && !exhausted) {
      void session.want(eventCount + TO_THE_END_STEP);
    }
    if (toEnd) {
      setActive(eventCount - 1);
      grid.current?.scrollToIndex(eventCount - 1, "end");
      setToEnd(!exhausted);
    }
  }, [toEnd, exhausted, eventCount, session]);

  // A permalink's event is opened once, as soon as it is there.
  const sought = useRef(view.at !== null ? { at: view.at, hash: view.event, from: 0 } : null);
  useEffect(() => {
    if (!sought.current || eventCount === 0) {
      return;
    }
    const { at, hash, from } = sought.current;
    const index = findEvent(events, from, at, hash);
    sought.current.from = eventCount;
    if (index !== null) {
      sought.current = null;
      setActive(index);
      setOpened(index);
      requestAnimationFrame(() => grid.current?.scrollToIndex(index, "center"));
    } else if (!exhausted && eventCount < SOUGHT_MOST) {
      void session.want(eventCount + AHEAD_LEAST);
    }
  }, [events, eventCount, exhausted, session]);

  const open = useCallback((index: number | null) => {
    setOpened(index);
    if (index === null) {
      grid.current?.focus();
    }
  }, []);
  const activate = useCallback((index: number) => {
    setToEnd(false);
    setActive(index);
  }, []);
  const move = (by: -1 | 1) => {
    const index = Math.max(0, Math.min(eventCount - 1, (opened ?? 0) + by));
    setActive(index);
    setOpened(index);
    grid.current?.scrollToIndex(index);
  };
  const event = opened !== null && opened < eventCount ? events.event(opened) : null;
  return (
    <div className="results">
      <ListToolbar
        summary={summaryOf(snapshot)}
        columns={view.columns}
        wrap={view.wrap}
        onColumns={(columns) =>
          address.replace({ columns: columns.length ? columns : ["message"] })
        }
        onWrap={(wrap) => address.replace({ wrap })}
      >
        {onFacets && (
          <button type="button" className="button button-quiet" onClick={onFacets}>
            <Icon name="filter" /> Facets
          </button>
        )}
      </ListToolbar>
      <div className="results-body">
        {eventCount === 0 ? (
          <NoEvents snapshot={snapshot} />
        ) : (
          <EventGrid
            label="Events"
            handle={grid}
            source={events}
            count={eventCount}
            columns={view.columns}
            wrap={view.wrap}
            zone={view.zone}
            highlighter={highlighter}
            active={Math.min(active, eventCount - 1)}
            opened={opened}
            order={view.order}
            onActive={activate}
            onOpen={open}
            onFilter={actions.onFilter}
            onOrder={() => actions.run({ order: view.order === "desc" ? "asc" : "desc" })}
            onRemoveColumn={actions.onColumn}
            onSeen={onSeen}
            onEnd={() => setToEnd(true)}
            footer={<ListFooter snapshot={snapshot} toEnd={toEnd} onStop={() => setToEnd(false)} />}
          />
        )}
        {event && opened !== null && (
          <EventDrawer
            event={event}
            place={`event ${formatCount(opened + 1)}`}
            zone={view.zone}
            highlighter={highlighter}
            actions={actions}
            columns={view.columns}
            onMove={move}
            onClose={() => open(null)}
            onContext={() => contextOf.set(event)}
            onLink={
              event.moment
                ? async () => {
                    const link = address.linkTo(linkOf(event));
                    announcer.say((await copyText(link)) ? "Copied the link" : link);
                  }
                : undefined
            }
          />
        )}
      </div>
    </div>
  );
}

function summaryOf(snapshot: SearchSnapshot): string {
  const { answer, eventCount, phase, exhausted } = snapshot;
  const counted = answer?.histogram?.buckets.reduce((sum, bucket) => sum + bucket.count, 0) ?? 0;
  if (answer?.histogram?.complete && isOver(phase)) {
    return `${formatCount(Math.max(counted, eventCount))} events`;
  }
  const found = Math.max(counted, answer?.progress.events_matched ?? 0, eventCount);
  return exhausted ? `${formatCount(eventCount)} events` : `${formatCount(found)} events so far`;
}
