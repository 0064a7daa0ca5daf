import { Modal } from "../common/Modal";
import { KEYS, SYNTAX } from "./contents";
import "./help.css";

/** The query language on one page, and what the keys do. */
export default function HelpDialog({ onClose }: { onClose: () => void }) {
  return (
    <Modal title="Help" wide onClose={onClose}>
      <div className="modal-body help" role="region" aria-label="Help" tabIndex={0}>
        <section aria-labelledby="help-syntax">
          <h3 id="help-syntax">Queries</h3>
          <p>Side by side is AND; letter case is ignored; keywords are upper-case.</p>
          <table className="help-table">
            <tbody>
              {SYNTAX.map(([form, meaning]) => (
                <tr key={form}>
                  <th scope="row">
                    <code>{form}</code>
                  </th>
                  <td>{meaning}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </section>
        <section aria-labelledby="help-keys">
          <h3 id="help-keys">Keys</h3>
          <table className="help-table">
            <tbody>
              {KEYS.map(([keys, does]) => (
                <tr key={does}>
                  <th scope="row">
                    {keys.map((key) => (
                      <kbd key={key}>{key}</kbd>
                    ))}
                  </th>
                  <td>{does}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </section>
      </div>
    </Modal>
  );
}
