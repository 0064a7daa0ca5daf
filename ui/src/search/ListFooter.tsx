import { formatCount } from "../common/format";
import type { SearchSnapshot } from "./snapshot";

interface ListFooterProps {
  snapshot: SearchSnapshot;
  toEnd: boolean;
  onStop: () => void;
}

/** Below the last event: whether more are coming. */
export function ListFooter({ snapshot, toEnd, onStop }: ListFooterProps) {
  const { eventCount, exhausted, loading, phase } = snapshot;
  if (exhausted) {
    const end = phase === "cancelled" || phase === "failed" || phase === "expired";
    return (
      <p className="list-footer">
        {end ? "What was found" : "End of the result"}: {formatCount(eventCount)} events
      </p>
    );
  }
  return (
    <p className="list-footer">
      {loading || phase === "running" ? "Reading more…" : "Scroll on for more"} ·{" "}
      {formatCount(eventCount)} read
      {toEnd && (
        <button type="button" className="button" onClick={onStop}>
          Stop
        </button>
      )}
    </p>
  );
}
