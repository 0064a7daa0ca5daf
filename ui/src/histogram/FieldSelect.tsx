import { useEffect, useState } from "react";
import { visible } from "../common/unseen";
import { useStore } from "../common/useStore";
import { useServices } from "../shell/services";

interface FieldSelectProps {
  label: string;
  value: string;
  onChange: (field: string) => void;
}

/** Chooses one of the fields that events have; their names are asked for when it is opened. */
export function FieldSelect({ label, value, onChange }: FieldSelectProps) {
  const { client, address } = useServices();
  const { from, to } = useStore(address.store);
  const [names, setNames] = useState<string[]>([]);
  const [opened, setOpened] = useState(false);
  useEffect(() => {
    if (opened) {
      client.fields({ from: from ?? undefined, to: to ?? undefined }).then(
        (list) => setNames(list.fields.map((field) => field.name)),
        () => setNames([]),
      );
    }
  }, [client, opened, from, to]);
  const shown = [...new Set(["level", "service", value, ...names])].filter(
    (name) => name !== "" && name !== "timestamp",
  );
  return (
    <label className="field-select">
      <span>{label}</span>
      <select
        value={value}
        onFocus={() => setOpened(true)}
        onPointerEnter={() => setOpened(true)}
        onChange={(event) => onChange(event.target.value)}
      >
        {shown.map((name) => (
          <option key={name} value={name}>
            {visible(name)}
          </option>
        ))}
        <option value="">nothing</option>
      </select>
    </label>
  );
}
