// Sends events by winston and winston-loki: node loki.js EVENTS URL json|protobuf [KEY]
import winston from "winston";
import LokiTransport from "winston-loki";
import { input } from "./input.js";

// So many events are a batch: a failed one is sent again before anything else is logged, so that its body stays the same.
const BATCH = 500;
const LEVELS = { fatal: 0, error: 1, warn: 2, info: 3, debug: 4, trace: 5 };

const { events, others } = input();
const [host, encoding, key] = others;
const transport = new LokiTransport({
  host,
  json: encoding === "json",
  labels: { job: "tests" },
  interval: 0.05,
  replaceTimestamp: false,
  format: winston.format.printf(({ message }) => message),
  ...(key && { basicAuth: `trawl:${key}` }),
  onConnectionError: () => {
    // It keeps what it could not send, and sends it later.
  },
});
// It would wait for a minute after an error.
transport.batcher.circuitBreakerInterval = 1000;

const logger = winston.createLogger({ levels: LEVELS, level: "trace", transports: [transport] });
let logged = 0;
let awaited = () => {};
transport.on("logged", () => {
  logged += 1;
  awaited();
});

for (let first = 0; first < events.length; first += BATCH) {
  const batch = events.slice(first, first + BATCH);
  for (const { timestamp, level, message, service, n } of batch) {
    const line = `${message} #${n}`;
    logger.log({
      level: level.toLowerCase(),
      message: line,
      timestamp,
      n,
      labels: { service_name: service },
    });
  }
  await new Promise((resolve) => {
    awaited = () => logged === first + batch.length && resolve();
    awaited();
  });
  while (transport.batcher.batch.streams.length > 0) {
    await transport.flush();
  }
}
await transport.close();
