import { useState } from "react";
import { zoneName } from "./format";

interface ZoneSelectProps {
  zone: string;
  onZone: (zone: string) => void;
}

export function ZoneSelect({ zone, onZone }: ZoneSelectProps) {
  const [zones] = useState(() =>
    Intl.supportedValuesOf("timeZone").filter((name) => name !== "UTC"),
  );
  return (
    <label className="field-select zone-select">
      <span>Time zone</span>
      <select value={zone} onChange={(event) => onZone(event.target.value)}>
        <option value="local">This browser ({zoneName("local")})</option>
        <option value="UTC">UTC</option>
        {zone !== "local" && zone !== "UTC" && !zones.includes(zone) && <option>{zone}</option>}
        {zones.map((name) => (
          <option key={name} value={name}>
            {name}
          </option>
        ))}
      </select>
    </label>
  );
}
