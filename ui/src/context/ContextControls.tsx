import { Shown } from "../common/Shown";
import { visible } from "../common/unseen";
import type { LogEvent } from "../events/event";
import { fieldOf, leavesOf } from "../events/fields";
import { displayText, isScalar } from "../json/value";

/** Fields that tell little about where an event comes from. */
const LEFT_OUT = new Set([
  "timestamp",
  "@timestamp",
  "time",
  "ts",
  "message",
  "msg",
  "log",
  "body",
]);
const LONGEST = 60;

interface ContextControlsProps {
  event: LogEvent;
  fields: readonly string[];
  onFields: (fields: string[]) => void;
  query: string;
  keepFilters: boolean;
  onKeepFilters: (keep: boolean) => void;
}

/** Which fields the events around have in common with this one, and whether the query still holds. */
export function ContextControls(props: ContextControlsProps) {
  const { event, fields } = props;
  const candidates = [
    ...new Set([
      ...fields,
      ...leavesOf(event.root)
        .filter(
          ([, value]) => isScalar(value) && value !== null && displayText(value).length <= LONGEST,
        )
        .map(([path]) => path)
        .filter((path) => !LEFT_OUT.has(path)),
    ]),
  ];
  return (
    <div className="context-controls">
      <fieldset>
        <legend>Events of the same</legend>
        {candidates.map((field) => {
          const chosen = fields.includes(field);
          const value = fieldOf(event.root, field);
          return (
            <button
              key={field}
              type="button"
              className="chip"
              aria-pressed={chosen}
              title={visible(value === undefined ? field : `${field}: ${displayText(value)}`)}
              onClick={() =>
                props.onFields(
                  chosen ? fields.filter((name) => name !== field) : [...fields, field],
                )
              }
            >
              <Shown text={field} />
              {chosen && value !== undefined && (
                <span>
                  {" "}
                  <Shown text={displayText(value)} />
                </span>
              )}
            </button>
          );
        })}
      </fieldset>
      {props.query && (
        <label className="check">
          <input
            type="checkbox"
            checked={props.keepFilters}
            onChange={(change) => props.onKeepFilters(change.target.checked)}
          />
          Keep the filter{" "}
          <code>
            <Shown text={props.query} />
          </code>
        </label>
      )}
    </div>
  );
}
