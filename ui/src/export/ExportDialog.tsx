import { useEffect, useRef, useState } from "react";
import { CopyLine } from "../common/CopyLine";
import { formatCount } from "../common/format";
import { Modal } from "../common/Modal";
import type { SearchSession } from "../search/session";
import { isOver } from "../search/snapshot";
import { useServices } from "../shell/services";
import { csvHeader, csvLine, shellQuote } from "./formats";

/** What a browser is asked to hold; the command takes everything. */
const MOST_EVENTS = 100_000;
const STEP = 5_000;

type Format = "ndjson" | "csv";

/** Downloads the result as a file, or gives the command that writes all of it. */
export default function ExportDialog({ onClose }: { onClose: () => void }) {
  const { address, activeSearch } = useServices();
  const view = address.store.get();
  const session = activeSearch.get();
  const [collected, setCollected] = useState<number | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  const stopped = useRef(false);
  useEffect(
    () => () => {
      stopped.current = true;
    },
    [],
  );
  const download = async (format: Format) => {
    if (session) {
      stopped.current = false;
      await collect(session, setCollected, () => stopped.current);
      setCollected(null);
      setProblem(session.store.get().failure?.message ?? null);
      save(contentOf(session, format, view.columns), format);
    }
  };
  const command = [
    "trawl export",
    shellQuote(view.query ?? ""),
    ...(view.from ? [`--from ${shellQuote(view.from)}`] : []),
    ...(view.to ? [`--to ${shellQuote(view.to)}`] : []),
    `--url ${window.location.origin}`,
    "> events.ndjson",
  ].join(" ");
  return (
    <Modal title="Export" onClose={onClose}>
      <div className="modal-body">
        <p>The first {formatCount(MOST_EVENTS)} events of this result, as a file:</p>
        <div className="modal-actions is-start">
          <button
            type="button"
            className="button button-primary"
            disabled={!session || collected !== null}
            onClick={() => void download("ndjson")}
          >
            JSON lines, as sent
          </button>
          <button
            type="button"
            className="button"
            disabled={!session || collected !== null}
            onClick={() => void download("csv")}
          >
            CSV of the columns
          </button>
          {collected !== null && (
            <button
              type="button"
              className="button"
              onClick={() => {
                stopped.current = true;
              }}
            >
              Stop and save
            </button>
          )}
        </div>
        {collected !== null && <p role="status">{formatCount(collected)} events read…</p>}
        {problem !== null && (
          <p className="form-error" role="alert">
            The file holds only what was read before this: {problem}.
          </p>
        )}
        {!session && <p className="hint">Search first; then its result can be saved.</p>}
        <p>All of it, however much:</p>
        <CopyLine text={command} />
      </div>
    </Modal>
  );
}

/** Reads pages until the result or the patience ends. */
async function collect(
  session: SearchSession,
  onProgress: (count: number) => void,
  stopped: () => boolean,
): Promise<void> {
  for (;;) {
    const { eventCount, exhausted, phase } = session.store.get();
    onProgress(Math.min(eventCount, MOST_EVENTS));
    if (exhausted || stopped() || eventCount >= MOST_EVENTS) {
      return;
    }
    const changed = nextChange(session);
    void session.want(Math.min(eventCount + STEP, MOST_EVENTS));
    await changed;
    if (isOver(phase) && session.store.get().failure) {
      return;
    }
  }
}

function nextChange(session: SearchSession): Promise<void> {
  return new Promise((resolve) => {
    const done = session.store.subscribe(() => {
      done();
      resolve();
    });
  });
}

function contentOf(session: SearchSession, format: Format, columns: readonly string[]): Blob {
  const { events, eventCount } = session.store.get();
  const count = Math.min(eventCount, MOST_EVENTS);
  const lines: string[] = format === "csv" ? [csvHeader(columns)] : [];
  for (let index = 0; index < count; index += 1) {
    lines.push(format === "csv" ? csvLine(events.event(index), columns) : `${events.raw(index)}\n`);
  }
  return new Blob(lines, { type: format === "csv" ? "text/csv" : "application/x-ndjson" });
}

function save(content: Blob, format: Format): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(content);
  link.download = `trawl-${new Date().toISOString().slice(0, 19).replaceAll(":", "")}.${format}`;
  link.click();
  URL.revokeObjectURL(link.href);
}
