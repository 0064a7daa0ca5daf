import { useEffect, useState } from "react";
import { messageOf } from "../api/explain";
import type { Plan } from "../api/types";
import { formatBytes, formatCount, formatUsd } from "../common/format";
import { Modal } from "../common/Modal";
import { Shown } from "../common/Shown";
import { useServices } from "../shell/services";
import { requestOf } from "./request";

/** What a search for the query in the editor would read, without running it. */
export default function PlanDialog({ onClose }: { onClose: () => void }) {
  const { client, address, draft } = useServices();
  const [plan, setPlan] = useState<Plan | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  const query = draft.get();
  useEffect(() => {
    const view = { ...address.store.get(), query };
    const { histogram: _histogram, ...request } = requestOf(view, {
      limit: 1_000,
      width: 0,
      facets: [],
    });
    client.explain(request).then(setPlan, (error) => setProblem(messageOf(error)));
  }, [client, address, query]);
  return (
    <Modal title="What this search would read" onClose={onClose}>
      <div className="modal-body">
        <p>
          <code>
            <Shown text={query || "*"} />
          </code>
        </p>
        {problem && (
          <p className="form-error" role="alert">
            {problem}
          </p>
        )}
        {!plan && !problem && <p className="hint">Asking…</p>}
        {plan && (
          <dl className="facts">
            <dt>Segments</dt>
            <dd>
              {formatCount(plan.segments_to_read)} to read, of {formatCount(plan.segments_in_range)}{" "}
              in range
            </dd>
            <dt>Granules</dt>
            <dd>
              {formatCount(plan.granules_to_read)} of {formatCount(plan.granules_total)}
            </dd>
            <dt>Reads</dt>
            <dd>
              {plan.bytes_to_read > 0 &&
                `${plan.is_estimate ? "about " : ""}${formatBytes(plan.bytes_to_read)}, `}
              at most {formatBytes(plan.bytes_most)} ({formatUsd(plan.usd_most)})
            </dd>
            <dt>Tasks</dt>
            <dd>
              {formatCount(plan.tasks)}, and {formatCount(plan.tail_shards)} of the newest events
            </dd>
            <dt>From the index</dt>
            <dd>
              {plan.index_terms.length === 0 && "nothing: every event of the range is read"}
              <ul className="terms">
                {plan.index_terms.map((term) => (
                  <li key={term}>
                    <code>
                      <Shown text={term} />
                    </code>
                  </li>
                ))}
              </ul>
            </dd>
          </dl>
        )}
      </div>
    </Modal>
  );
}
