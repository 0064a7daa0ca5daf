import { useEffect, useState } from "react";
import { messageOf } from "../api/explain";
import type { FieldInfo } from "../api/types";
import { formatPercent } from "../common/format";
import { Shown } from "../common/Shown";
import { useStore } from "../common/useStore";
import { useServices } from "../shell/services";

interface FieldPickerProps {
  chosen: readonly string[];
  onToggle: (field: string) => void;
}

/** The fields of the time range with how many events have them, to choose from. */
export function FieldPicker({ chosen, onToggle }: FieldPickerProps) {
  const { client, address } = useServices();
  const { from, to } = useStore(address.store);
  const [fields, setFields] = useState<FieldInfo[] | null>(null);
  const [events, setEvents] = useState(0);
  const [problem, setProblem] = useState<string | null>(null);
  const [filter, setFilter] = useState("");
  useEffect(() => {
    client.fields({ from: from ?? undefined, to: to ?? undefined }).then(
      (list) => {
        setFields(list.fields);
        setEvents(list.events);
      },
      (error) => setProblem(messageOf(error)),
    );
  }, [client, from, to]);

  const known = (fields ?? []).map((field) => field.name);
  const names = [...chosen, ...known.filter((name) => !chosen.includes(name))].filter((name) =>
    name.toLowerCase().includes(filter.toLowerCase()),
  );
  const typed = filter.trim();
  return (
    <>
      <input
        className="input"
        aria-label="Find a field"
        placeholder="Find a field"
        value={filter}
        onChange={(event) => setFilter(event.target.value)}
        onKeyDown={(event) => {
          if (event.key === "Enter" && typed) {
            onToggle(names[0] ?? typed);
          }
        }}
      />
      {problem && <p className="form-error">{problem}</p>}
      {!fields && !problem && <p className="picker-note">Reading the fields…</p>}
      <ul className="picker-list">
        {names.map((name) => {
          const field = fields?.find((item) => item.name === name);
          const count = Object.values(field?.types ?? {}).reduce((sum, each) => sum + each, 0);
          return (
            <li key={name}>
              <button
                type="button"
                className="picker-item"
                aria-pressed={chosen.includes(name)}
                onClick={() => onToggle(name)}
              >
                <span className="picker-check" aria-hidden="true">
                  {chosen.includes(name) ? "✓" : ""}
                </span>
                <span className="picker-name">
                  <Shown text={name} />
                </span>
                <span className="picker-note">
                  {Object.keys(field?.types ?? {}).join(", ")}
                  {events > 0 && field ? ` · ${formatPercent(Math.min(1, count / events))}` : ""}
                </span>
              </button>
            </li>
          );
        })}
      </ul>
      {fields && names.length === 0 && typed && (
        <button type="button" className="picker-item" onClick={() => onToggle(typed)}>
          Use “{typed}”
        </button>
      )}
    </>
  );
}
