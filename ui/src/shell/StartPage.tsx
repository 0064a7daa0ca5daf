import { useEffect, useState } from "react";
import { messageOf } from "../api/errors";
import type { StoreStatus } from "../api/types";
import { formatBytes, formatCount } from "../common/format";
import { RecentList } from "../saved/RecentList";
import { SavedList } from "../saved/SavedList";
import { useViewActions } from "../search/useViewActions";
import { FirstEvent } from "./FirstEvent";
import { useServices } from "./services";
import "./start.css";

const EXAMPLES: readonly [query: string, meaning: string][] = [
  ["", "every event"],
  ["timeout", "the word, in any text"],
  ["level:>=warn", "warnings and worse"],
  ["service:checkout -timeout", "one service, without a word"],
  ["http.status:>=500", "a number that compares"],
  ["* | timechart 5m by level", "counts over time"],
];

/** Before anything was asked for: nothing runs yet. */
export function StartPage() {
  const { client } = useServices();
  const { run } = useViewActions();
  const [status, setStatus] = useState<StoreStatus | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  useEffect(() => {
    let watching = true;
    const look = () =>
      client.status().then(
        (answer) => {
          if (watching) {
            setStatus(answer);
            setProblem(null);
          }
        },
        (error) => watching && setProblem(messageOf(error)),
      );
    void look();
    const timer = setInterval(look, 5_000);
    return () => {
      watching = false;
      clearInterval(timer);
    };
  }, [client]);
  const stored = status ? status.events + status.tail_events : null;
  return (
    <main className="start">
      <p className="start-status" role="status" aria-label="What is stored">
        {problem && `The server does not answer: ${problem}. Trying again.`}
        {!problem && status && stored !== null && stored > 0 && (
          <>
            <strong>{formatCount(stored)}</strong> events stored · {formatBytes(status.raw_bytes)}{" "}
            as sent, {formatBytes(status.stored_bytes)} on disk
          </>
        )}
      </p>
      {stored === 0 && <FirstEvent />}
      <div className="start-columns">
        <section aria-labelledby="start-examples">
          <h2 id="start-examples">Try</h2>
          <p className="hint">Nothing runs until you ask.</p>
          <ul className="query-list">
            {EXAMPLES.map(([query, meaning]) => (
              <li key={query}>
                <button type="button" onClick={() => run({ query })}>
                  <code>{query || "*"}</code>
                  <span>{meaning}</span>
                </button>
              </li>
            ))}
          </ul>
        </section>
        <section aria-labelledby="start-recent">
          <h2 id="start-recent">Recent</h2>
          <RecentList />
        </section>
        <section aria-labelledby="start-saved">
          <h2 id="start-saved">Saved</h2>
          <SavedList />
        </section>
      </div>
    </main>
  );
}
