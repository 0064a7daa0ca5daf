import { Icon } from "../common/icons";
import { PopupButton } from "../common/PopupButton";
import { useStore } from "../common/useStore";
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
  const words = describeRange(range, zone);
  return (
    <PopupButton
      className="button range-button"
      buttonLabel={`Time range: ${words}`}
      face={
        <>
          <Icon name="clock" /> <span className="range-words">{words}</span>
        </>
      }
      label="Time range"
      popupClassName="range-popup"
      align="end"
    >
      {(close) => {
        const choose = (chosen: TimeRange) => {
          close();
          onRange(chosen);
        };
        return (
          <>
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
          </>
        );
      }}
    </PopupButton>
  );
}
