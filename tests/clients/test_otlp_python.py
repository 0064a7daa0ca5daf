"""The OpenTelemetry SDK for Python: OTLP over HTTP, protobuf, gzip.

The exporter sends the very same body again when a connection breaks, whatever had become of the request. Every record
brings its time, so the server knows the body again.
"""

import unittest

from harness import data, otlp
from harness.case import ClientCase
from harness.moments import ns
from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.resources import Resource
from opentelemetry.trace import NonRecordingSpan, SpanContext, set_span_in_context

# For how long a batch is tried again.
SECONDS = 60


def record(event):
    span = SpanContext(int(event.get("trace_id", "0"), 16), int(event.get("span_id", "0"), 16), is_remote=False)
    return LogRecord(
        timestamp=ns(event["timestamp"]),
        context=set_span_in_context(NonRecordingSpan(span)),
        severity_text=event["level"],
        severity_number=SeverityNumber(otlp.SEVERITY_NUMBERS[event["level"]]),
        body=event["message"],
        attributes=otlp.attributes(event),
    )


class OtlpPython(ClientCase):
    def test_every_record_is_found_once_though_an_answer_was_lost(self):
        events = data.events()
        server = self.serve(restart_at=8)
        headers = {"authorization": f"Bearer {server.key}"} if server.key else {}
        # A resource, and so a provider, for each service.
        providers = {}
        for event in events:
            if event["service"] not in providers:
                resource = Resource({"service.name": event["service"], "deployment.environment": "test"})
                exporter = OTLPLogExporter(f"{server.url}/v1/logs", compression=Compression.Gzip, headers=headers, timeout=SECONDS)
                provider = providers[event["service"]] = LoggerProvider(resource=resource)
                provider.add_log_record_processor(BatchLogRecordProcessor(exporter, max_queue_size=data.COUNT))
            providers[event["service"]].get_logger("tests").emit(record(event))
        for provider in providers.values():
            provider.force_flush(SECONDS * 1000)
            provider.shutdown()
        self.check(list(map(otlp.expected, events)), otlp.number)


if __name__ == "__main__":
    unittest.main()
