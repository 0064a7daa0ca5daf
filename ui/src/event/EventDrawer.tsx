import { type ReactNode, useEffect, useMemo, useRef, useState } from "react";
import { copyText } from "../common/clipboard";
import { IconButton } from "../common/IconButton";
import { Icon } from "../common/icons";
import { visibleJson } from "../common/unseen";
import { NARROW } from "../common/useSize";
import type { LogEvent } from "../events/event";
import { LEVEL_BADGES } from "../events/level";
import { rfc3339 } from "../events/timestamp";
import { displayText, stringify } from "../json/value";
import type { Highlighter } from "../language/index";
import { useServices } from "../shell/services";
import { formatTime } from "../timerange/format";
import { type FieldActions, FieldTree } from "./FieldTree";
import "./event.css";

interface EventDrawerProps {
  event: LogEvent;
  place: string;
  zone: string;
  highlighter: Highlighter;
  actions: Pick<FieldActions, "onFilter" | "onExists" | "onColumn">;
  columns: readonly string[];
  onMove: (by: -1 | 1) => void;
  onClose: () => void;
  onContext?: (() => void) | undefined;
  onLink?: (() => void) | undefined;
}

/** One event, opened: its fields as a tree, and the JSON that was sent. */
export function EventDrawer(props: EventDrawerProps) {
  const { event } = props;
  const { announcer } = useServices();
  const [tab, setTab] = useState<"fields" | "json">("fields");
  const panel = useRef<HTMLDivElement>(null);
  const copy = async (text: string, what: string) =>
    announcer.say(
      (await copyText(text)) ? `Copied ${what}` : "The browser did not let it be copied",
    );

  // On narrow screens the panel covers the list, so that it takes the keyboard too.
  useEffect(() => {
    if (window.matchMedia(NARROW).matches) {
      panel.current?.focus();
    }
  }, []);

  return (
    <div
      ref={panel}
      role="dialog"
      aria-label="Event"
      tabIndex={-1}
      className="event-drawer"
      onKeyDown={(key) => {
        if (key.key === "Escape") {
          key.stopPropagation();
          props.onClose();
        }
      }}
    >
      <div className={`event-head level-${event.level ?? "none"}`}>
        <span className="level-badge">{event.level ? LEVEL_BADGES[event.level] : "–"}</span>
        <div className="event-when">
          <strong>{event.moment ? formatTime(event.moment.ms, props.zone) : "no timestamp"}</strong>
          <span>{props.place}</span>
        </div>
        <IconButton icon="up" label="Previous event" onClick={() => props.onMove(-1)} />
        <IconButton icon="down" label="Next event" onClick={() => props.onMove(1)} />
        <IconButton icon="close" label="Close event" onClick={props.onClose} />
      </div>
      <div className="event-actions">
        {props.onContext && (
          <button type="button" className="button" onClick={props.onContext}>
            <Icon name="context" /> Show context
          </button>
        )}
        {props.onLink && (
          <button type="button" className="button" onClick={props.onLink}>
            <Icon name="link" /> Copy link
          </button>
        )}
        <button type="button" className="button" onClick={() => copy(event.raw, "the event")}>
          <Icon name="copy" /> Copy JSON
        </button>
      </div>
      <Tabs tab={tab} onTab={setTab}>
        {tab === "fields" ? (
          <FieldTree
            root={event.root}
            highlighter={props.highlighter}
            columns={props.columns}
            onFilter={props.actions.onFilter}
            onExists={props.actions.onExists}
            onColumn={props.actions.onColumn}
            onCopy={(path, value) => copy(displayText(value), path)}
          />
        ) : (
          <RawJson event={event} />
        )}
      </Tabs>
      {event.moment && <p className="event-utc">{rfc3339(event.moment)}</p>}
    </div>
  );
}

interface TabsProps {
  tab: "fields" | "json";
  onTab: (tab: "fields" | "json") => void;
  children: ReactNode;
}

const TABS = [
  ["fields", "Fields"],
  ["json", "JSON"],
] as const;

function Tabs({ tab, onTab, children }: TabsProps) {
  const other = tab === "fields" ? "json" : "fields";
  return (
    <>
      <div className="tabs" role="tablist" aria-label="How the event is shown">
        {TABS.map(([name, label]) => (
          <button
            key={name}
            type="button"
            role="tab"
            id={`event-tab-${name}`}
            aria-selected={tab === name}
            aria-controls="event-tab-panel"
            tabIndex={tab === name ? 0 : -1}
            onClick={() => onTab(name)}
            onKeyDown={(event) => {
              if (event.key === "ArrowLeft" || event.key === "ArrowRight") {
                onTab(other);
                document.getElementById(`event-tab-${other}`)?.focus();
              }
            }}
          >
            {label}
          </button>
        ))}
      </div>
      <div
        className="event-body"
        role="tabpanel"
        id="event-tab-panel"
        aria-labelledby={`event-tab-${tab}`}
        tabIndex={0}
      >
        {children}
      </div>
    </>
  );
}

/**
 * The JSON that was sent, indented; only the space between its parts is not as sent, and what cannot be seen is
 * written as an escape.
 */
function RawJson({ event }: { event: LogEvent }) {
  const text = useMemo(() => visibleJson(stringify(event.root, 2)), [event]);
  return <pre className="event-json">{text}</pre>;
}
