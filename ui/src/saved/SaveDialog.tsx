import { useState } from "react";
import { messageOf } from "../api/explain";
import { Modal } from "../common/Modal";
import { Shown } from "../common/Shown";
import { useServices } from "../shell/services";
import { describeRange } from "../timerange/format";

/** Saves the search on screen under a name. */
export default function SaveDialog({ onClose }: { onClose: () => void }) {
  const { client, address, announcer } = useServices();
  const view = address.store.get();
  const [name, setName] = useState("");
  const [problem, setProblem] = useState<string | null>(null);
  const save = async () => {
    try {
      const { from, to, columns } = view;
      await client.save({ name: name.trim(), query: view.query ?? "", from, to, columns });
      announcer.say(`Saved ${name.trim()}`);
      onClose();
    } catch (error) {
      setProblem(messageOf(error));
    }
  };
  return (
    <Modal title="Save this search" onClose={onClose}>
      <form
        className="modal-body"
        onSubmit={(event) => {
          event.preventDefault();
          void save();
        }}
      >
        <p>
          <code>
            <Shown text={view.query || "*"} />
          </code>{" "}
          · {describeRange(view, view.zone)}
        </p>
        <label className="form-row">
          <span>Name</span>
          <input className="input" value={name} onChange={(event) => setName(event.target.value)} />
        </label>
        <p className="hint">One of the same name is replaced.</p>
        {problem && (
          <p className="form-error" role="alert">
            {problem}
          </p>
        )}
        <div className="modal-actions">
          <button type="submit" className="button button-primary" disabled={name.trim() === ""}>
            Save
          </button>
        </div>
      </form>
    </Modal>
  );
}
