import { useCallback, useEffect, useState } from "react";
import { messageOf } from "../api/explain";
import type { SavedSearch } from "../api/types";
import { IconButton } from "../common/IconButton";
import { Shown } from "../common/Shown";
import { useStore } from "../common/useStore";
import { useViewActions } from "../search/useViewActions";
import { useServices } from "../shell/services";
import { describeRange } from "../timerange/format";

/** The searches that were saved under a name: run or delete them. */
export function SavedList({ onRun }: { onRun?: () => void }) {
  const { client, address, announcer } = useServices();
  const { zone } = useStore(address.store);
  const { run } = useViewActions();
  const [saved, setSaved] = useState<SavedSearch[] | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  const load = useCallback(
    () => client.saved().then(setSaved, (error) => setProblem(messageOf(error))),
    [client],
  );
  useEffect(() => void load(), [load]);
  const remove = async (name: string) => {
    try {
      await client.deleteSaved(name);
      announcer.say(`Deleted ${name}`);
    } catch (error) {
      setProblem(messageOf(error));
    }
    await load();
  };
  return (
    <>
      {problem && <p className="hint">Saved searches cannot be read: {problem}</p>}
      {saved?.length === 0 && <p className="hint">Save a search from the menu to find it here.</p>}
      <ul className="query-list">
        {saved?.map((search) => (
          <li key={search.name}>
            <button
              type="button"
              onClick={() => {
                onRun?.();
                run({
                  query: search.query,
                  from: search.from,
                  to: search.to,
                  ...(search.columns.length > 0 && { columns: search.columns }),
                });
              }}
            >
              <strong>
                <Shown text={search.name} />
              </strong>
              <code>
                <Shown text={search.query || "*"} />
              </code>
              <span>{describeRange(search, zone)}</span>
            </button>
            <IconButton
              icon="trash"
              label={`Delete ${search.name}`}
              onClick={() => remove(search.name)}
            />
          </li>
        ))}
      </ul>
    </>
  );
}
