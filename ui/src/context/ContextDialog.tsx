import { useEffect, useRef, useState } from "react";
import { messageOf } from "../api/explain";
import { Modal } from "../common/Modal";
import type { LogEvent } from "../events/event";
import { SearchSession } from "../search/session";
import { useServices } from "../shell/services";
import { ContextControls } from "./ContextControls";
import { ContextList } from "./ContextList";
import "./context.css";

/** Events that are read at once, before and after. */
const LIMIT = 100;

interface Around {
  /** Which request of this dialog it is the answer to. */
  number: number;
  fields: string[];
  before: SearchSession;
  after: SearchSession;
}

/** What happened around an event: events of the same fields, before it and after it. */
export default function ContextDialog({
  event,
  onClose,
}: {
  event: LogEvent;
  onClose: () => void;
}) {
  const { client, address } = useServices();
  const view = address.store.get();
  const [fields, setFields] = useState<string[] | null>(null);
  const [keepFilters, setKeepFilters] = useState(false);
  const [around, setAround] = useState<Around | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  const requests = useRef(0);
  const query = view.query ?? "";

  useEffect(() => {
    let watching = true;
    const started: SearchSession[] = [];
    const start = (search: { id: string }) => {
      const session = new SearchSession({ client, search, wanted: LIMIT });
      started.push(session);
      void session.start();
      return session;
    };
    setProblem(null);
    client
      .context(event.raw, {
        limit: LIMIT,
        ...(fields && { fields }),
        ...(keepFilters && query && { query }),
      })
      .then(
        (answer) => {
          if (watching) {
            requests.current += 1;
            setAround({
              number: requests.current,
              fields: answer.fields,
              before: start(answer.before),
              after: start(answer.after),
            });
          }
        },
        (error) => watching && setProblem(messageOf(error)),
      );
    return () => {
      watching = false;
      for (const session of started) {
        session.dispose();
      }
    };
  }, [client, event, fields, keepFilters, query]);

  return (
    <Modal title="Context" wide onClose={onClose}>
      <section className="context" aria-label="Context">
        <ContextControls
          event={event}
          fields={fields ?? around?.fields ?? []}
          onFields={setFields}
          query={query}
          keepFilters={keepFilters}
          onKeepFilters={setKeepFilters}
        />
        {problem && (
          <p className="form-error" role="alert">
            {problem}
          </p>
        )}
        {!around && !problem && <p className="hint">Reading what is around the event…</p>}
        {around && <ContextList key={around.number} event={event} around={around} view={view} />}
      </section>
    </Modal>
  );
}
