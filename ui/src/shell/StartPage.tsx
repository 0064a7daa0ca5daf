import { useEffect, useState } from "react";
import type { Client } from "../api/client";
import { ApiError } from "../api/errors";
import { explain, messageOf } from "../api/explain";
import { sleep } from "../api/http";
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

const STATUS_EVERY_MS = 5_000;

/** Before anything was asked for: nothing runs yet. */
export function StartPage() {
  const { client, credential } = useServices();
  const { run } = useViewActions();
  const [status, setStatus] = useState<StoreStatus | null>(null);
  const [problem, setProblem] = useState<unknown>(null);
  const [attempt, setAttempt] = useState(0);
  // biome-ignore lint/correctness/useExhaustiveDependencies: an attempt begins it anew
  useEffect(() => {
    const lifetime = new AbortController();
    void watchStatus(client, lifetime.signal, setStatus, setProblem);
    return () => lifetime.abort();
  }, [client, attempt]);
  const refusal = problem instanceof ApiError ? problem : null;
  const askAnew = async () => {
    const { code } = refusal as ApiError;
    const given = await credential.ask(credential.current(), { code, message: explain(refusal) });
    if (given) {
      setProblem(null);
      setAttempt(attempt + 1);
    }
  };
  const stored = status ? status.events + status.tail_events : null;
  return (
    <main className="start">
      <p className="start-status" role="status" aria-label="What is stored">
        {problem !== null && !refusal && (
          <>The server does not answer: {messageOf(problem)}. Trying again.</>
        )}
        {refusal && (
          <>
            What is stored cannot be told: {messageOf(refusal)}.{" "}
            {isAboutCaller(refusal) && (
              <button type="button" className="link-button" onClick={() => void askAnew()}>
                Say who you are
              </button>
            )}
          </>
        )}
        {problem === null && status && stored !== null && stored > 0 && (
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
          <SavedList key={attempt} />
        </section>
      </div>
    </main>
  );
}

/** Tells what is stored again and again, until the server does not let one see it. */
async function watchStatus(
  client: Client,
  signal: AbortSignal,
  onStatus: (status: StoreStatus) => void,
  onProblem: (problem: unknown) => void,
): Promise<void> {
  while (!signal.aborted) {
    try {
      const status = await client.status();
      if (!signal.aborted) {
        onStatus(status);
        onProblem(null);
      }
    } catch (error) {
      if (!signal.aborted) {
        onProblem(error);
      }
      if (error instanceof ApiError && isAboutCaller(error)) {
        return;
      }
    }
    await sleep(STATUS_EVERY_MS, signal).catch(() => {
      // Let go while waiting: the loop ends.
    });
  }
}

/** Whether another key or another sign-in would help. */
function isAboutCaller({ status }: ApiError): boolean {
  return status === 401 || status === 403;
}
