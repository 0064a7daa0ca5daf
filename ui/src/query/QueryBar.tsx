import { type ReactNode, useMemo, useRef, useState } from "react";
import type { Client } from "../api/client";
import { ApiError } from "../api/errors";
import { Icon } from "../common/icons";
import { lazyPart } from "../common/lazyPart";
import { useStore } from "../common/useStore";
import type { SearchSession } from "../search/session";
import { isOver } from "../search/snapshot";
import { useViewActions } from "../search/useViewActions";
import { useServices } from "../shell/services";
import { completionSource } from "./completionSource";
import type { QueryEditorProps } from "./QueryEditor";
import "./query.css";

const QueryEditor = lazyPart(
  "The editor with colours and completions",
  () => import("./QueryEditor"),
);
const HINT = "Search: timeout level:>=warn service:checkout";

/** The query, and what starts or stops its search. */
export function QueryBar({ children }: { children: ReactNode }) {
  const services = useServices();
  const { client, address, draft, history, activeSearch } = services;
  const text = useStore(draft);
  const actions = useViewActions();
  const focused = useRef(false);
  const completion = useMemo(
    () =>
      completionSource(client, () => {
        const { from, to } = address.store.get();
        return { from: from ?? undefined, to: to ?? undefined };
      }),
    [client, address],
  );
  const [problem, setProblem] = useState("");
  const [walk, setWalk] = useState<{ place: number; typed: string } | null>(null);
  const onHistory = (step: -1 | 1) => {
    const recent = history.store.get();
    const typed = walk?.typed ?? draft.get();
    const place = (walk?.place ?? -1) - step;
    const query = place < 0 ? typed : recent[place]?.query;
    if (query === undefined || place < -1) {
      return false;
    }
    setWalk(place < 0 ? null : { place, typed });
    draft.set(query);
    return true;
  };
  const onChange = (typed: string) => {
    const shown = walk ? recentAt(history.store.get(), walk.place) : null;
    if (walk && typed !== shown) {
      setWalk(null);
    }
    draft.set(typed);
  };
  const onRun = () => {
    setWalk(null);
    actions.run({ query: draft.get() });
  };
  const editor: QueryEditorProps = {
    text,
    focused: focused.current,
    hint: HINT,
    completion,
    check: async (query) => {
      const problem = await problemOf(client, query);
      setProblem(problem ? `Column ${problem.column}: ${problem.message}` : "");
      return problem;
    },
    onChange,
    onRun,
    onHistory,
  };
  return (
    <form
      className="query-bar"
      role="search"
      onFocus={() => {
        focused.current = true;
      }}
      onBlur={() => {
        focused.current = false;
      }}
      onSubmit={(event) => {
        event.preventDefault();
        onRun();
      }}
    >
      <div className="query-field">
        <Icon name="search" />
        <QueryEditor {...editor} floats waiting={<PlainEditor {...editor} />} />
      </div>
      <p className="visually-hidden" role="status" aria-label="Problem of the query">
        {problem}
      </p>
      <div className="query-actions">
        {children}
        <RunButton search={activeSearch} />
      </div>
    </form>
  );
}

function recentAt(recent: { query: string }[], place: number): string | null {
  return recent[place]?.query ?? null;
}

/** What the server finds wrong with a query, and where; null when it is well or cannot be asked. */
async function problemOf(
  client: Client,
  query: string,
): Promise<{ column: number; message: string } | null> {
  try {
    await client.parseQuery(query);
    return null;
  } catch (error) {
    return error instanceof ApiError && error.column !== null
      ? { column: error.column, message: explained(error) }
      : null;
  }
}

function explained(error: ApiError): string {
  const message = error.message.replace(/^column \d+: /, "");
  return error.expected && !message.includes("expected")
    ? `${message}; expected ${error.expected}`
    : message;
}

function RunButton({ search }: { search: ReturnType<typeof useServices>["activeSearch"] }) {
  const session = useStore(search);
  return session ? <RunningButton session={session} /> : <SearchButton />;
}

function RunningButton({ session }: { session: SearchSession }) {
  const { phase, elapsedMs } = useStore(session.store);
  if (isOver(phase) || elapsedMs !== null) {
    return <SearchButton />;
  }
  return (
    <button
      type="button"
      className="button button-stop"
      aria-label="Cancel search"
      onClick={() => void session.cancel()}
    >
      <Icon name="stop" /> Cancel
    </button>
  );
}

function SearchButton() {
  return (
    <button type="submit" className="button button-primary">
      Search
    </button>
  );
}

/** Stands in for the editor until it is there, so that typing can begin at once. */
function PlainEditor({ text, hint, onChange, onRun }: QueryEditorProps) {
  return (
    <textarea
      className="plain-editor"
      aria-label="Query"
      rows={1}
      spellCheck={false}
      placeholder={hint}
      value={text}
      onChange={(event) => onChange(event.target.value)}
      onKeyDown={(event) => {
        if (event.key === "Enter" && !event.shiftKey) {
          event.preventDefault();
          onRun();
        }
      }}
    />
  );
}
