import { useEffect, useMemo, useState } from "react";
import { lazyPart } from "../common/lazyPart";
import { NARROW, useMedia } from "../common/useSize";
import { useStore } from "../common/useStore";
import { Facets } from "../facets/Facets";
import { ALWAYS } from "../facets/pinned";
import { outputOf } from "../language/index";
import { useServices } from "../shell/services";
import { resolveRange } from "../timerange/range";
import { Banners } from "./Banners";
import { ResultList } from "./ResultList";
import { requestOf } from "./request";
import { StatusBar } from "./StatusBar";
import { isOver } from "./snapshot";
import { FIRST_LIMIT, type RunningSearch, useSearch } from "./useSearch";
import { useViewActions } from "./useViewActions";

export const HistogramPanel = lazyPart("The histogram", () => import("../histogram/Histogram"));
const AggregatesView = lazyPart("The table", () => import("../aggregates/AggregatesView"));

/** A search and its results, as the address says. */
export function SearchView() {
  const { address, runs, pinned } = useServices();
  const view = useStore(address.store);
  const run = useStore(runs);
  const pins = useStore(pinned.store);
  const wide = !useMedia(NARROW);
  const [facetsOpen, setFacetsOpen] = useState(false);
  const withFacets = wide || facetsOpen;
  const fields = useMemo(
    () => [...ALWAYS, ...pins.filter((name) => !ALWAYS.includes(name))],
    [pins],
  );
  const request = requestOf(view, {
    limit: FIRST_LIMIT,
    width: window.innerWidth - (wide ? 260 : 0),
    facets: withFacets ? fields : [],
  });
  const { histogram: _width, ...asked } = request;
  const running = useSearch(request, JSON.stringify([asked, view.by, run]));
  return (
    running && (
      <Results
        running={running}
        fields={fields}
        wide={wide}
        facetsOpen={facetsOpen}
        onFacets={setFacetsOpen}
      />
    )
  );
}

interface ResultsProps {
  running: RunningSearch;
  fields: readonly string[];
  wide: boolean;
  facetsOpen: boolean;
  onFacets: (open: boolean) => void;
}

function Results({ running, fields, wide, facetsOpen, onFacets }: ResultsProps) {
  const { session, number } = running;
  const { address, pinned, activeSearch } = useServices();
  const view = useStore(address.store);
  const pins = useStore(pinned.store);
  const snapshot = useStore(session.store);
  const actions = useViewActions();
  const { answer } = snapshot;
  const range = useMemo(
    () => resolveRange({ from: view.from, to: view.to }, snapshot.startedAt),
    [view.from, view.to, snapshot.startedAt],
  );
  useEffect(() => {
    activeSearch.set(session);
    return () => activeSearch.set(null);
  }, [activeSearch, session]);
  const isTable = answer?.aggregates != null || outputOf(view.query ?? "") === "table";
  const onCancel = () => void session.cancel();

  const facets = (
    <Facets
      facets={answer?.facets ?? null}
      fields={fields}
      pinned={pins}
      onFilter={actions.onFilter}
      onPin={(field) => pinned.add(field)}
      onUnpin={(field) => pinned.remove(field)}
    />
  );
  return (
    <main className="search-view">
      <StatusBar snapshot={snapshot} />
      <Banners snapshot={snapshot} onCancel={onCancel} onAgain={() => actions.run({})} />
      <HistogramPanel
        waiting={<div className="histogram histogram-waiting" />}
        histogram={answer?.histogram ?? null}
        range={range}
        zone={view.zone}
        by={view.by}
        onBy={(by) => address.push({ by })}
        onRange={actions.onRange}
      />
      <div className="search-body">
        {wide && facets}
        {!wide && facetsOpen && (
          <div className="facets-sheet">
            <button type="button" className="button" onClick={() => onFacets(false)}>
              Close facets
            </button>
            {facets}
          </div>
        )}
        {isTable ? (
          <AggregatesView
            waiting={<div className="results" />}
            aggregates={answer?.aggregates ?? null}
            query={view.query ?? ""}
            zone={view.zone}
            over={isOver(snapshot.phase)}
          />
        ) : (
          <ResultList
            key={number}
            session={session}
            snapshot={snapshot}
            actions={actions}
            onFacets={wide ? undefined : () => onFacets(true)}
          />
        )}
      </div>
    </main>
  );
}
