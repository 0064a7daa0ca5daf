import { useState } from "react";
import { Modal } from "../common/Modal";
import { useServices } from "./services";

/** Asks for the API key. */
export default function KeyDialog({ reason }: { reason: string }) {
  const { key } = useServices();
  const [typed, setTyped] = useState("");
  return (
    <Modal title="API key" onClose={() => key.give(null)}>
      <form
        className="modal-body"
        onSubmit={(event) => {
          event.preventDefault();
          key.give(typed.trim());
        }}
      >
        <p>The server asks for a key: {reason}.</p>
        <label className="form-row">
          <span>Key</span>
          <input
            className="input"
            type="password"
            autoComplete="off"
            value={typed}
            onChange={(event) => setTyped(event.target.value)}
          />
        </label>
        <p className="hint">It is kept until this tab is closed, and sent to this server only.</p>
        <div className="modal-actions">
          <button type="submit" className="button button-primary" disabled={typed.trim() === ""}>
            Use this key
          </button>
        </div>
      </form>
    </Modal>
  );
}
