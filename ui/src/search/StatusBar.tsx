import { useEffect, useState } from "react";
import {
  formatBytes,
  formatCount,
  formatPercent,
  formatSeconds,
  formatUsd,
} from "../common/format";
import { isOver, type SearchSnapshot } from "./snapshot";
import "./status.css";

const CLOCK_MS = 100;

interface StatusBarProps {
  snapshot: SearchSnapshot;
}

/** How far a search is, what it read and what that costs. */
export function StatusBar({ snapshot }: StatusBarProps) {
  const over = isOver(snapshot.phase) || snapshot.elapsedMs !== null;
  const elapsed = useElapsed(snapshot, over);
  const { answer } = snapshot;
  const done = answer?.progress.tasks_done ?? 0;
  const total = answer?.progress.tasks_total ?? 0;
  const share = over ? 1 : total > 0 ? done / total : 0;
  return (
    <div className={`status-bar phase-${snapshot.phase}`}>
      <div
        className={`progress-track ${over ? "is-over" : ""}`}
        role="progressbar"
        aria-label="Search progress"
        aria-valuemin={0}
        aria-valuemax={100}
        aria-valuenow={Math.round(share * 100)}
      >
        <div className="progress-fill" style={{ transform: `scaleX(${Math.max(share, 0.02)})` }} />
      </div>
      <p className="status-text">
        <strong role="status" aria-label="State of the search">
          {snapshot.lost && "Server not reached, trying again"}
          {snapshot.throttle && "Waiting for a limit"}
          {!snapshot.lost && !snapshot.throttle && WORDS[snapshot.phase]}
        </strong>
        {parts(snapshot, elapsed).map((part) => (
          <span key={part}>{part}</span>
        ))}
      </p>
    </div>
  );
}

const WORDS: Record<SearchSnapshot["phase"], string> = {
  starting: "Starting",
  running: "Searching",
  complete: "Complete",
  partial: "Partial",
  failed: "Failed",
  cancelled: "Cancelled",
  expired: "Expired",
};

function parts({ answer, phase }: SearchSnapshot, elapsed: number): string[] {
  const isPlanned = answer !== null && (answer.progress.tasks_total > 0 || isOver(phase));
  if (!isPlanned) {
    return [formatSeconds(elapsed)];
  }
  const { progress, cost } = answer;
  const skipped =
    progress.granules_total > 0 ? 1 - progress.granules_read / progress.granules_total : null;
  return [
    `${formatCount(progress.tasks_done)} of ${formatCount(progress.tasks_total)} tasks`,
    `${formatBytes(progress.bytes_read)} read`,
    ...(skipped === null ? [] : [`${formatPercent(skipped)} skipped`]),
    ...(cost ? [formatUsd(cost.usd)] : []),
    formatSeconds(elapsed),
  ];
}

/** Milliseconds since the search was asked for; ticks until it is over. */
function useElapsed(snapshot: SearchSnapshot, over: boolean): number {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    if (over) {
      return;
    }
    const timer = setInterval(() => setNow(Date.now()), CLOCK_MS);
    return () => clearInterval(timer);
  }, [over]);
  return snapshot.elapsedMs ?? Math.max(0, now - snapshot.startedAt);
}
