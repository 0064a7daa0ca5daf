import { Popover } from "@base-ui/react/popover";
import { useState } from "react";
import { Icon } from "../common/icons";
import { useStore } from "../common/store";
import { useServices } from "../shell/services";
import { describeRange, zoneName } from "./format";
import { RangeForm } from "./RangeForm";
import { PRESETS, type TimeRange } from "./range";
import { ZoneSelect } from "./ZoneSelect";
import "./timerange.css";

interface TimeRangeMenuProps {
  range: TimeRange;
  onRange: (range: TimeRange) => void;
}

/** Chooses the time range: one of the usual ones, or from and to as typed; and the time zone. */
export function TimeRangeMenu({ range, onRange }: TimeRangeMenuProps) {
  const { address } = useServices();
  const { zone } = useStore(address.store);
  const [open, setOpen] = useState(false);
  const words = describeRange(range, zone);
  const choose = (chosen: TimeRange) => {
    setOpen(false);
    onRange(chosen);
  };
  return (
    <Popover.Root open={open} onOpenChange={setOpen}>
      <Popover.Trigger className="button range-button" aria-label={`Time range: ${words}`}>
        <Icon name="clock" /> <span className="range-words">{words}</span>
      </Popover.Trigger>
      <Popover.Portal>
        <Popover.Positioner sideOffset={6} align="end" className="positioner">
          <Popover.Popup className="popup range-popup" aria-label="Time range">
            <ul className="range-presets">
              {PRESETS.map((preset) => (
                <li key={preset.label}>
                  <button
                    type="button"
                    className="range-preset"
                    aria-pressed={preset.label === words}
                    onClick={() => choose(preset.range)}
                  >
                    {preset.label}
                  </button>
                </li>
              ))}
            </ul>
            <div className="range-custom">
              <RangeForm range={range} zone={zone} onRange={choose} />
              <ZoneSelect zone={zone} onZone={(chosen) => address.replace({ zone: chosen })} />
              <p className="hint">Times without a zone are in {zoneName(zone)}.</p>
            </div>
          </Popover.Popup>
        </Popover.Positioner>
      </Popover.Portal>
    </Popover.Root>
  );
}
