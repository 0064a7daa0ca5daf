import { useEffect } from "react";
import { visible } from "../common/unseen";
import { useStore } from "../common/useStore";
import { QueryBar } from "../query/QueryBar";
import { HistogramPanel, SearchView } from "../search/SearchView";
import { useViewActions } from "../search/useViewActions";
import { TailView } from "../tail/TailView";
import { TimeRangeMenu } from "../timerange/TimeRangeMenu";
import { HeaderButtons } from "./HeaderButtons";
import { Overlays } from "./Overlays";
import { StartPage } from "./StartPage";
import { useServices } from "./services";
import { useShortcuts } from "./shortcuts";

const PRELOAD_AFTER_MS = 300;

/** The page: what is asked for at the top, what was found below. */
export function App() {
  const { address, draft } = useServices();
  const view = useStore(address.store);
  const actions = useViewActions();
  useShortcuts();

  // The first search should not wait for the code that draws its histogram.
  useEffect(() => {
    const timer = setTimeout(HistogramPanel.preload, PRELOAD_AFTER_MS);
    return () => clearTimeout(timer);
  }, []);

  // Back and forward bring the query of the view they lead to into the editor.
  useEffect(() => draft.set(view.query ?? ""), [draft, view.query]);
  useEffect(() => {
    document.title = view.query ? `${visible(view.query)} · Trawl` : "Trawl";
  }, [view.query]);

  const started = view.query !== null;
  return (
    <div className="app">
      <header className="top">
        <h1 className="visually-hidden">Search of log events</h1>
        <a className="brand" href={window.location.pathname} aria-label="Trawl, start page">
          <img src="/favicon.svg" alt="" width="22" height="22" />
          <span>Trawl</span>
        </a>
        <QueryBar>
          <TimeRangeMenu
            range={view}
            onRange={(range) => (started ? actions.run(range) : address.replace(range))}
          />
        </QueryBar>
        <HeaderButtons />
      </header>
      {!started && <StartPage />}
      {started && (view.tail ? <TailView /> : <SearchView />)}
      <Overlays />
    </div>
  );
}
