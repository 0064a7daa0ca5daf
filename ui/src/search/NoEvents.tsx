import { Shown } from "../common/Shown";
import { useStore } from "../common/useStore";
import { useServices } from "../shell/services";
import { describeRange } from "../timerange/format";
import { isOver, type SearchSnapshot } from "./snapshot";
import { useViewActions } from "./useViewActions";

/** Instead of a list without events: that they are looked for, or what to try next. */
export function NoEvents({ snapshot }: { snapshot: SearchSnapshot }) {
  const { address } = useServices();
  const view = useStore(address.store);
  const { run } = useViewActions();
  if (!isOver(snapshot.phase)) {
    return (
      <div className="skeleton" role="status" aria-label="Searching">
        {Array.from({ length: 12 }, (_, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: they never change
          <span key={index} className="skeleton-row" />
        ))}
      </div>
    );
  }
  if (snapshot.phase === "failed") {
    return <div className="no-events" />;
  }
  const bounded = view.from !== null || view.to !== null;
  return (
    <div className="no-events">
      <h2>No events found</h2>
      <p>
        Nothing matches{" "}
        {view.query ? (
          <code>
            <Shown text={view.query} />
          </code>
        ) : (
          "every event"
        )}{" "}
        in <strong>{describeRange(view, view.zone)}</strong>.
      </p>
      <ul className="choices">
        {bounded && (
          <li>
            <button
              type="button"
              className="button"
              onClick={() => run({ query: view.query ?? "", from: null, to: null })}
            >
              Search all time
            </button>
          </li>
        )}
        {bounded && view.from !== "-7d" && (
          <li>
            <button
              type="button"
              className="button"
              onClick={() => run({ query: view.query ?? "", from: "-7d", to: null })}
            >
              Search the last 7 days
            </button>
          </li>
        )}
        {view.query && (
          <li>
            <button type="button" className="button" onClick={() => run({ query: "" })}>
              Show every event of this range
            </button>
          </li>
        )}
      </ul>
      <p className="hint">
        A bare word finds whole words only: <code>*part*</code> finds it anywhere. Words stand in
        text; numbers are found in their field: <code>http.status:500</code>.
      </p>
    </div>
  );
}
