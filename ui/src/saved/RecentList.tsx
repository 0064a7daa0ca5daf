import { Shown } from "../common/Shown";
import { useStore } from "../common/useStore";
import { useViewActions } from "../search/useViewActions";
import { useServices } from "../shell/services";
import { describeRange } from "../timerange/format";

const SHOWN = 10;

/** The queries that were asked for last in this browser. */
export function RecentList({ onRun }: { onRun?: () => void }) {
  const { history, address } = useServices();
  const recent = useStore(history.store);
  const { zone } = useStore(address.store);
  const { run } = useViewActions();
  if (recent.length === 0) {
    return <p className="hint">Queries that you ask for are listed here.</p>;
  }
  return (
    <>
      <ul className="query-list">
        {recent.slice(0, SHOWN).map((item) => (
          <li key={item.query}>
            <button
              type="button"
              onClick={() => {
                onRun?.();
                run({ query: item.query, from: item.from, to: item.to });
              }}
            >
              <code>
                <Shown text={item.query || "*"} />
              </code>
              <span>{describeRange(item, zone)}</span>
            </button>
          </li>
        ))}
      </ul>
      <button type="button" className="link-button" onClick={() => history.clear()}>
        Forget these
      </button>
    </>
  );
}
