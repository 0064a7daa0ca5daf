import { useEffect, useMemo, useRef, useState } from "react";
import { formatCount } from "../common/format";
import { Icon } from "../common/icons";
import { RetryTimer } from "../common/RetryTimer";
import { useStore } from "../common/useStore";
import { EventDrawer } from "../event/EventDrawer";
import type { LogEvent } from "../events/event";
import { highlightsOf } from "../language/index";
import { EventGrid, type EventGridHandle } from "../list/EventGrid";
import { ListToolbar } from "../list/ListToolbar";
import { Banner, Failure } from "../search/Banners";
import { useViewActions } from "../search/useViewActions";
import { useServices } from "../shell/services";
import { TailSession, type TailSnapshot } from "./tailSession";
import "./tail.css";

/** Live tail: what arrives, the newest at the bottom. */
export function TailView() {
  const { client, address } = useServices();
  const { query } = useStore(address.store);
  const [session, setSession] = useState<TailSession | null>(null);
  const [attempt, setAttempt] = useState(0);
  // biome-ignore lint/correctness/useExhaustiveDependencies: an attempt begins it anew
  useEffect(() => {
    const made = new TailSession({ client, query: query ?? "" });
    setSession(made);
    void made.start();
    const timer = setInterval(() => made.refreshRate(), 1_000);
    return () => {
      clearInterval(timer);
      made.dispose();
    };
  }, [client, query, attempt]);
  return session && <Tail session={session} onAgain={() => setAttempt(attempt + 1)} />;
}

function Tail({ session, onAgain }: { session: TailSession; onAgain: () => void }) {
  const { address, contextOf } = useServices();
  const view = useStore(address.store);
  const tail = useStore(session.store);
  const actions = useViewActions();
  const grid = useRef<EventGridHandle>(null);
  const [active, setActive] = useState(0);
  const [opened, setOpened] = useState<LogEvent | null>(null);
  const atEnd = useRef(true);
  const highlighter = useMemo(() => highlightsOf(view.query ?? ""), [view.query]);
  const count = tail.events.length;

  // Stays at the newest event unless one has scrolled away from it.
  // biome-ignore lint/correctness/useExhaustiveDependencies: whenever the events change
  useEffect(() => {
    if (atEnd.current && count > 0) {
      grid.current?.scrollToIndex(count - 1, "end");
    }
  }, [tail.revision, count]);

  const open = (index: number | null) => {
    setOpened(index === null ? null : tail.events.event(index));
    if (index === null) {
      grid.current?.focus();
    } else {
      session.pause();
    }
  };
  const move = (by: -1 | 1) => {
    const index = Math.max(0, Math.min(count - 1, active + by));
    setActive(index);
    open(index);
  };
  return (
    <main className="search-view">
      <div className="tail-bar">
        <span className={`tail-light ${tail.paused ? "is-paused" : ""}`} aria-hidden="true" />
        <strong role="status" aria-label="State of the live tail">
          {stateOf(tail)}
        </strong>
        <span>{tail.perSecond.toFixed(tail.perSecond < 10 ? 1 : 0)} events/s</span>
        <span>{formatCount(tail.received)} received</span>
        {tail.missed > 0 && (
          <span className="tail-missed">{formatCount(tail.missed)} left out: too many at once</span>
        )}
        {tail.paused && (
          <span>
            {formatCount(tail.held)} waiting
            {tail.heldDropped > 0 && `, ${formatCount(tail.heldDropped)} dropped`}
          </span>
        )}
      </div>
      {tail.failure && (
        <Failure
          title="The live tail ended:"
          failure={{ ...tail.failure, retryAt: null }}
          onAgain={onAgain}
        />
      )}
      {tail.throttle && (
        <Banner kind="warn">
          <strong>A limit is reached:</strong> {tail.throttle.message}.{" "}
          <RetryTimer at={tail.throttle.until} what="It goes on" now="It goes on now." />
        </Banner>
      )}
      {tail.gaps.length > 0 && (
        <Banner kind="warn" action={["Search for them", () => actions.run({ tail: false })]}>
          {tail.gaps.map((gap) => (
            <p key={gap}>{gap}</p>
          ))}
        </Banner>
      )}
      <div className="search-body">
        <div className="results">
          <ListToolbar
            summary={`${formatCount(count)} shown, the newest last`}
            columns={view.columns}
            wrap={view.wrap}
            onColumns={(columns) =>
              address.replace({ columns: columns.length ? columns : ["message"] })
            }
            onWrap={(wrap) => address.replace({ wrap })}
          >
            <button
              type="button"
              className="button"
              aria-pressed={tail.paused}
              onClick={() => (tail.paused ? session.resume() : session.pause())}
            >
              <Icon name={tail.paused ? "play" : "pause"} /> {tail.paused ? "Resume" : "Pause"}
            </button>
            <button type="button" className="button button-quiet" onClick={() => session.clear()}>
              Clear
            </button>
          </ListToolbar>
          <div className="results-body">
            {count === 0 ? (
              <p className="no-events">
                Waiting for events that match. They appear here as they arrive.
              </p>
            ) : (
              <EventGrid
                label="Events"
                handle={grid}
                source={tail.events}
                count={count}
                columns={view.columns}
                wrap={view.wrap}
                zone={view.zone}
                highlighter={highlighter}
                active={Math.min(active, count - 1)}
                opened={opened ? active : null}
                onActive={setActive}
                onOpen={open}
                onFilter={actions.onFilter}
                onRemoveColumn={actions.onColumn}
                onScroll={(end) => {
                  atEnd.current = end;
                }}
              />
            )}
            {opened && (
              <EventDrawer
                event={opened}
                place="from the live tail"
                zone={view.zone}
                highlighter={highlighter}
                actions={actions}
                columns={view.columns}
                onMove={move}
                onClose={() => open(null)}
                onContext={() => contextOf.set(opened)}
              />
            )}
          </div>
        </div>
      </div>
    </main>
  );
}

function stateOf(tail: TailSnapshot): string {
  if (tail.failure) {
    return "Ended";
  }
  if (tail.lost) {
    return "Server not reached, trying again";
  }
  if (tail.throttle) {
    return "Waiting for a limit";
  }
  return tail.paused ? "Paused" : "Live";
}
