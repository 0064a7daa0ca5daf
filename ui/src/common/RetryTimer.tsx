import { useEffect, useState } from "react";
import { waitWords } from "../api/explain";

const TICK_MS = 1_000;
/** From here on the time of day says more than the time that is left. */
const LONG_MS = 10 * 60_000;

interface RetryTimerProps {
  /** Milliseconds since 1970. */
  at: number;
  /** What happens then, as in "Try again". */
  what: string;
  /** Said once it is time. */
  now: string;
}

/** How long until something can be tried again; not read out at each tick. */
export function RetryTimer({ at, what, now }: RetryTimerProps) {
  const [leftMs, setLeftMs] = useState(() => at - Date.now());
  useEffect(() => {
    const look = () => setLeftMs(at - Date.now());
    look();
    const timer = setInterval(look, TICK_MS);
    return () => clearInterval(timer);
  }, [at]);
  const clock = new Date(at).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
  return (
    <span role="timer">
      {leftMs > 0
        ? `${what} in ${waitWords(leftMs)}${leftMs > LONG_MS ? `, at ${clock}` : ""}.`
        : now}
    </span>
  );
}
