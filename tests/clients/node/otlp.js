// Sends events by the OpenTelemetry SDK: node otlp.js EVENTS URL json|protobuf [KEY]
import { ROOT_CONTEXT, trace } from "@opentelemetry/api";
import { SeverityNumber } from "@opentelemetry/api-logs";
import { OTLPLogExporter as JsonExporter } from "@opentelemetry/exporter-logs-otlp-http";
import { OTLPLogExporter as ProtobufExporter } from "@opentelemetry/exporter-logs-otlp-proto";
import { CompressionAlgorithm } from "@opentelemetry/otlp-exporter-base";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { BatchLogRecordProcessor, LoggerProvider } from "@opentelemetry/sdk-logs";
import { input } from "./input.js";

/** For how long a batch is tried again. */
const TIMEOUT_MS = 60_000;

const { events, others } = input();
const [url, encoding, key] = others;
const Exporter = encoding === "json" ? JsonExporter : ProtobufExporter;

/** A provider, with a resource of its own, for one service. */
function providerOf(service) {
  const exporter = new Exporter({
    url,
    timeoutMillis: TIMEOUT_MS,
    compression: CompressionAlgorithm.GZIP,
    headers: key ? { authorization: `Bearer ${key}` } : {},
  });
  return new LoggerProvider({
    resource: resourceFromAttributes({ "service.name": service, "deployment.environment": "test" }),
    processors: [
      new BatchLogRecordProcessor({
        exporter,
        maxQueueSize: events.length,
        exportTimeoutMillis: TIMEOUT_MS,
      }),
    ],
  });
}

/** Seconds and nanoseconds since 1970. */
function moment(timestamp) {
  const [, whole, fraction = ""] = /^([^.Z]+)(?:\.(\d+))?Z$/.exec(timestamp);
  return [Date.parse(`${whole}Z`) / 1000, Number(fraction.padEnd(9, "0"))];
}

const providers = new Map();
for (const { timestamp, service, level, message, trace_id, span_id, ...attributes } of events) {
  if (!providers.has(service)) {
    providers.set(service, providerOf(service));
  }
  const span = { traceId: trace_id, spanId: span_id, traceFlags: 0 };
  providers
    .get(service)
    .getLogger("tests")
    .emit({
      timestamp: moment(timestamp),
      severityText: level,
      severityNumber: SeverityNumber[level],
      body: message,
      attributes,
      context: trace_id ? trace.setSpanContext(ROOT_CONTEXT, span) : ROOT_CONTEXT,
    });
}
await Promise.all([...providers.values()].map((provider) => provider.shutdown()));
