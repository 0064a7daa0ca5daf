import { CopyLine } from "../common/CopyLine";
import { useViewActions } from "../search/useViewActions";

/** A server without events: how to send the first. */
export function FirstEvent() {
  const { run } = useViewActions();
  const { origin } = window.location;
  const line = `curl -s ${origin}/v1/events -d '{"service":"docs","level":"info","message":"hello"}'`;
  return (
    <section className="first-event" aria-labelledby="first-event">
      <h2 id="first-event">No events are stored yet</h2>
      <p>Send the first one:</p>
      <CopyLine text={line} />
      <p>A file of JSON lines, plain or compressed:</p>
      <CopyLine text={`trawl push --url ${origin} FILE`} />
      <button
        type="button"
        className="button button-primary"
        onClick={() => run({ query: "", from: "-1h", to: null })}
      >
        Look for it
      </button>
    </section>
  );
}
