import { Modal } from "../common/Modal";
import { SavedList } from "./SavedList";

export default function SavedDialog({ onClose }: { onClose: () => void }) {
  return (
    <Modal title="Saved searches" onClose={onClose}>
      <div className="modal-body">
        <SavedList onRun={onClose} />
      </div>
    </Modal>
  );
}
