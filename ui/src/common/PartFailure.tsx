import { useEffect, useState } from "react";
import { deployedVersion } from "./deployment";
import { IconButton } from "./IconButton";

interface PartFailureProps {
  /** What could not be shown, as in "The help". */
  name: string;
  /** How it broke; null when it could not be loaded. */
  error: unknown;
  floats: boolean;
  onAgain: () => void;
  onClose?: () => void;
}

/** Says that a part of the page is not there, why, and what helps. */
export function PartFailure({ name, error, floats, onAgain, onClose }: PartFailureProps) {
  const [deployed, setDeployed] = useState<"same" | "other" | "away" | null>(null);
  useEffect(() => {
    let watching = true;
    if (error === null) {
      void deployedVersion().then((answer) => watching && setDeployed(answer));
    }
    return () => {
      watching = false;
    };
  }, [error]);
  const reload = (
    <button type="button" className="button" onClick={() => window.location.reload()}>
      Reload the page
    </button>
  );
  return (
    <div className={`part-failure ${floats ? "is-floating" : ""}`} role="alert">
      <p>
        <strong>
          {name} {error === null ? "could not be loaded." : "broke."}
        </strong>{" "}
        {error !== null && <code>{String(error)}</code>}
        {deployed === "away" && "The server does not answer."}
        {deployed === "other" && "The server has another version of this page by now."}
      </p>
      <div className="part-failure-actions">
        {deployed === "other" ? (
          reload
        ) : (
          <>
            <button type="button" className="button" onClick={onAgain}>
              Try again
            </button>
            {(error !== null || deployed === "same") && reload}
          </>
        )}
        {onClose && <IconButton icon="close" label="Close message" onClick={onClose} />}
      </div>
    </div>
  );
}
