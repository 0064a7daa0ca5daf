import { useEffect, useMemo, useRef, useState } from "react";
import { formatCount } from "../common/format";
import { RetryTimer } from "../common/RetryTimer";
import { useStore } from "../common/useStore";
import { FieldTree } from "../event/FieldTree";
import type { LogEvent } from "../events/event";
import { highlightsOf } from "../language/index";
import { EventGrid, type EventGridHandle } from "../list/EventGrid";
import type { SearchSession } from "../search/session";
import { isOver, type SearchSnapshot } from "../search/snapshot";
import type { ViewState } from "../url/state";
import { AroundSource } from "./aroundSource";
import { useContextActions } from "./useContextActions";

/** Events that one press of a button adds. */
const STEP = 100;

interface ContextListProps {
  event: LogEvent;
  around: { before: SearchSession; after: SearchSession };
  view: ViewState;
}

/** The events around one, in the order of time; both ends can be extended. */
export function ContextList({ event, around, view }: ContextListProps) {
  const before = useStore(around.before.store);
  const after = useStore(around.after.store);
  const grid = useRef<EventGridHandle>(null);
  const highlighter = useMemo(() => highlightsOf(view.query ?? ""), [view.query]);
  const source = useMemo(
    () => new AroundSource(before.events, before.eventCount, after.events, after.eventCount),
    [before.events, before.eventCount, after.events, after.eventCount],
  );
  const anchor = useMemo(() => source.anchorOf(event.raw), [source, event]);
  // The active row is counted from the first event of `after`, so that it stays when earlier ones come.
  const [active, setActive] = useState<number | null>(null);
  const [opened, setOpened] = useState<number | null>(null);
  const centre = (active ?? (anchor === null ? 0 : anchor - before.eventCount)) + before.eventCount;
  const actions = useContextActions();

  // What is looked at stays where it is while earlier events are put before it.
  // biome-ignore lint/correctness/useExhaustiveDependencies: only when events are put before
  useEffect(() => {
    grid.current?.scrollToIndex(centre, "center");
  }, [before.eventCount, anchor]);

  const shown = opened === null ? null : opened + before.eventCount;
  return (
    <>
      <EndButton side="Earlier" snapshot={before} session={around.before} />
      <div className="context-grid">
        {source.length > 0 && (
          <EventGrid
            label="Events around"
            handle={grid}
            source={source}
            count={source.length}
            columns={view.columns}
            wrap={view.wrap}
            zone={view.zone}
            highlighter={highlighter}
            active={centre}
            anchor={anchor}
            opened={shown}
            onActive={(index) => setActive(index - before.eventCount)}
            onOpen={(index) => setOpened(index === null ? null : index - before.eventCount)}
          />
        )}
        {source.length === 0 && isOver(before.phase) && isOver(after.phase) && (
          <p className="no-events">Nothing else is there with these fields.</p>
        )}
      </div>
      {shown !== null && shown < source.length && (
        <div className="context-opened">
          <FieldTree
            root={source.event(shown).root}
            highlighter={highlighter}
            columns={view.columns}
            {...actions}
          />
        </div>
      )}
      <EndButton side="Later" snapshot={after} session={around.after} />
    </>
  );
}

interface EndButtonProps {
  side: "Earlier" | "Later";
  snapshot: SearchSnapshot;
  session: SearchSession;
}

function EndButton({ side, snapshot, session }: EndButtonProps) {
  const { eventCount, exhausted, loading, failure } = snapshot;
  return (
    <p className="context-end">
      {failure ? (
        <span className="form-error" role="alert">
          {failure.message}.{" "}
          {failure.retryAt !== null && (
            <RetryTimer at={failure.retryAt} what="Try again" now="You can try again now." />
          )}
        </span>
      ) : exhausted ? (
        <span>
          {side === "Earlier" ? "These are the first" : "These are the last"} (
          {formatCount(eventCount)})
        </span>
      ) : (
        <button
          type="button"
          className="button"
          disabled={loading}
          onClick={() => void session.want(eventCount + STEP)}
        >
          {loading ? "Reading…" : `${side} events`}
        </button>
      )}
    </p>
  );
}
