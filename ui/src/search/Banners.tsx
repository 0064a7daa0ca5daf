import type { ReactNode } from "react";
import { formatBytes, formatUsd } from "../common/format";
import { isOver, type SearchSnapshot } from "./snapshot";

/** From here on a search is worth a warning before it has read it all. */
const LARGE_SCAN_BYTES = 50e9;

interface BannersProps {
  snapshot: SearchSnapshot;
  onCancel: () => void;
  onAgain: () => void;
}

/** What a person has to know about a search: that it reads much, that parts are missing, why it failed. */
export function Banners({ snapshot, onCancel, onAgain }: BannersProps) {
  const { phase, answer, failure } = snapshot;
  const estimate = answer?.estimate;
  return (
    <>
      {estimate && estimate.bytes > LARGE_SCAN_BYTES && !isOver(phase) && (
        <Banner kind="warn" action={["Cancel search", onCancel]}>
          <strong>This search may read up to {formatBytes(estimate.bytes)}</strong> (
          {formatUsd(estimate.usd)}) from {estimate.segments} segments. A shorter time range or a
          rarer word makes it cheaper.
        </Banner>
      )}
      {answer && answer.missing.length > 0 && (
        <Banner kind="warn" action={["Run again", onAgain]}>
          <strong>Parts are missing from this result.</strong> Not read:
          <ul>
            {answer.missing.map((part) => (
              <li key={part}>{part}</li>
            ))}
          </ul>
        </Banner>
      )}
      {phase === "failed" && failure && (
        <Banner kind="error" action={["Run again", onAgain]}>
          <strong>The search failed:</strong> {failure.message} <code>{failure.code}</code>
        </Banner>
      )}
      {phase === "expired" && (
        <Banner kind="warn" action={["Run again", onAgain]}>
          <strong>The results of this search have expired.</strong> What was read so far is still
          shown; run it again for the rest.
        </Banner>
      )}
    </>
  );
}

interface BannerProps {
  kind: "warn" | "error";
  action?: [label: string, act: () => void];
  children: ReactNode;
}

export function Banner({ kind, action, children }: BannerProps) {
  return (
    <div className={`banner banner-${kind}`} role={kind === "error" ? "alert" : "status"}>
      <div>{children}</div>
      {action && (
        <button type="button" className="button" onClick={action[1]}>
          {action[0]}
        </button>
      )}
    </div>
  );
}
