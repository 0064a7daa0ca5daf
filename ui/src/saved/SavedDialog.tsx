import { Modal } from "../common/Modal";
import { RecentList } from "./RecentList";
import { SavedList } from "./SavedList";

export default function SavedDialog({ onClose }: { onClose: () => void }) {
  return (
    <Modal title="Saved and recent searches" onClose={onClose}>
      <div className="modal-body">
        <SavedList onRun={onClose} />
        <h3>Recent</h3>
        <RecentList onRun={onClose} />
      </div>
    </Modal>
  );
}
