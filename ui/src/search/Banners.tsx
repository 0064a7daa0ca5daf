import type { ReactNode } from "react";
import { formatBytes, formatUsd } from "../common/format";
import { RetryTimer } from "../common/RetryTimer";
import { Shown } from "../common/Shown";
import { useServices } from "../shell/services";
import { isOver, type SearchFailure, type SearchSnapshot } from "./snapshot";

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
              <li key={part}>
                <Shown text={part} />
              </li>
            ))}
          </ul>
        </Banner>
      )}
      {snapshot.throttle && (
        <Banner kind="warn">
          <strong>A limit is reached:</strong> {snapshot.throttle.message}.{" "}
          <RetryTimer at={snapshot.throttle.until} what="It goes on" now="It goes on now." />
        </Banner>
      )}
      {phase === "failed" && failure && (
        <Failure title="The search failed:" failure={failure} onAgain={onAgain} />
      )}
      {phase === "expired" && (
        <Banner kind="warn" action={["Search again", onAgain]}>
          <strong>The results of this search are gone:</strong> {failure?.message}. What is shown
          was read before.
        </Banner>
      )}
    </>
  );
}

interface FailureProps {
  title: string;
  failure: Omit<SearchFailure, "column">;
  onAgain: () => void;
}

/** Why there is no result, and what helps: another key, some patience, or just another try. */
export function Failure({ title, failure, onAgain }: FailureProps) {
  const { credential } = useServices();
  const { code, message, retryAt } = failure;
  if (code === "forbidden") {
    return (
      <Banner
        kind="error"
        action={[
          "Use another key",
          () =>
            void credential
              .ask(credential.current(), { code, message })
              .then((given) => given && onAgain()),
        ]}
      >
        <strong>You are not allowed this:</strong> {message}. <code>{code}</code>
      </Banner>
    );
  }
  const isLimit = retryAt !== null || code === "scan_limit_reached";
  return (
    <Banner kind="error" action={[isLimit ? "Try again" : "Run again", onAgain]}>
      <strong>{isLimit ? "A limit is reached:" : title}</strong> <Shown text={message} />
      {isLimit && "."}{" "}
      {retryAt !== null && (
        <>
          <RetryTimer at={retryAt} what="Try again" now="You can try again now." />{" "}
        </>
      )}
      <code>{code}</code>
    </Banner>
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
