"""target/bench-venv/bin/python -m unittest benches.test_protocols"""
import json
import unittest

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

from .protocols import protobufs, texts
from .protocols.events import Event

LINES = [
    b'{"timestamp":"2026-03-02T00:00:00.5Z","service":"a","level":"ERROR","message":"one\\ntwo","trace_id":"00ff00ff00ff00ff00ff00ff00ff00ff","n":7,"o":{"l":[1.5,true,null]}}',
    b'{"timestamp":"2026-03-02T00:00:01Z","service":"b","level":"INFO","message":"x]\\"y","q":"] \\\\ \\""}',
    b'{"timestamp":"2026-03-02T00:00:02Z","service":"a","level":"ERROR","message":"three"}',
]
EVENTS = [Event.read(line) for line in LINES]


class Bodies(unittest.TestCase):
    def test_otlp_says_the_same_as_protobuf_and_as_json(self):
        read = ExportLogsServiceRequest.FromString(protobufs.otlp(EVENTS))
        told = json.loads(texts.otlp(EVENTS))
        self.assertEqual(["a", "b"], [resource.resource.attributes[0].value.string_value for resource in read.resource_logs])
        for resource, other in zip(read.resource_logs, told["resourceLogs"], strict=True):
            for record, its in zip(resource.scope_logs[0].log_records, other["scopeLogs"][0]["logRecords"], strict=True):
                self.assertEqual(
                    (str(record.time_unix_nano), record.severity_text, record.body.string_value, record.trace_id.hex()),
                    (its["timeUnixNano"], its["severityText"], its["body"]["stringValue"], its.get("traceId", "")),
                )
                self.assertEqual([pair.key for pair in record.attributes], [pair["key"] for pair in its["attributes"]])

    def test_loki_has_a_stream_once_and_every_entry(self):
        read = protobufs.PushRequest.FromString(protobufs.loki(EVENTS))
        told = json.loads(texts.loki(EVENTS))["streams"]
        self.assertEqual(['{service_name="a", level="ERROR"}', '{service_name="b", level="INFO"}'], [stream.labels for stream in read.streams])
        for stream, other in zip(read.streams, told, strict=True):
            entries = [[str(entry.timestamp.ToNanoseconds()), entry.line, {pair.name: pair.value for pair in entry.structuredMetadata}] for entry in stream.entries]
            self.assertEqual(other["values"], entries)

    def test_a_frame_of_syslog_is_as_long_as_it_says(self):
        body = texts.syslog(EVENTS)
        messages = []
        while body:
            length, _, rest = body.partition(b" ")
            messages.append(rest[: int(length)].decode())
            body = rest[int(length) :]
        self.assertEqual(3, len(messages))
        self.assertTrue(messages[0].startswith("<131>1 2026-03-02T00:00:00.5Z bench-1 a - - [bench@32473 trace_id="))
        self.assertTrue(messages[0].endswith("one\ntwo"))
        self.assertIn(r'q="\] \\ \""', messages[1])

    def test_bulk_has_an_action_before_each_line(self):
        lines = texts.bulk(EVENTS).splitlines()
        self.assertEqual(LINES, lines[1::2])
        self.assertEqual({b'{"create":{"_index":"logs"}}'}, set(lines[::2]))


if __name__ == "__main__":
    unittest.main()
