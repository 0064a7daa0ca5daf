import { useId, useState } from "react";
import { formatShort } from "./format";
import { parseEnd, resolveEnd, type TimeRange } from "./range";

interface RangeFormProps {
  range: TimeRange;
  zone: string;
  onRange: (range: TimeRange) => void;
}

export function RangeForm({ range, zone, onRange }: RangeFormProps) {
  const id = useId();
  const [from, setFrom] = useState(() => typedForm(range.from, zone));
  const [to, setTo] = useState(() => typedForm(range.to, zone));
  const [problem, setProblem] = useState<string | null>(null);
  const apply = () => {
    const ends = [from, to].map((text) => (text.trim() === "" ? null : parseEnd(text, zone)));
    const [start = null, end = null] = ends;
    if ((from.trim() && start === null) || (to.trim() && end === null)) {
      const wrong = from.trim() && start === null ? from : to;
      setProblem(`“${wrong}” is no time: try 2026-03-02 10:00, -15m, 2h ago or now`);
      return;
    }
    const now = Date.now();
    const [startMs, endMs] = [resolveEnd(start, now), resolveEnd(end, now) ?? now];
    if (startMs !== null && startMs >= endMs) {
      setProblem("The range ends before it begins");
      return;
    }
    onRange({ from: start, to: end });
  };
  return (
    <form
      className="range-form"
      onSubmit={(event) => {
        event.preventDefault();
        apply();
      }}
    >
      <label htmlFor={`${id}-from`}>From</label>
      <input
        id={`${id}-from`}
        className="input"
        value={from}
        placeholder="the beginning"
        onChange={(event) => setFrom(event.target.value)}
      />
      <label htmlFor={`${id}-to`}>To</label>
      <input
        id={`${id}-to`}
        className="input"
        value={to}
        placeholder="now"
        onChange={(event) => setTo(event.target.value)}
      />
      {problem && (
        <p className="form-error" role="alert">
          {problem}
        </p>
      )}
      <button type="submit" className="button button-primary">
        Apply
      </button>
    </form>
  );
}

function typedForm(end: string | null, zone: string): string {
  if (end === null) {
    return "";
  }
  const time = Date.parse(end);
  return Number.isNaN(time) ? end : formatShort(time, zone);
}
