"""The OpenTelemetry SDK for Node: OTLP over HTTP, JSON and protobuf, gzip.

As that for Python, it sends the very same body again when a connection breaks.
"""

import unittest

from harness import data, otlp
from harness.case import ClientCase
from harness.node import node


class OtlpNode(ClientCase):
    def send(self, encoding):
        events = data.events()
        server = self.serve(restart_at=8)
        node("otlp.js", events, f"{server.url}/v1/logs", encoding, server.key)
        self.check(list(map(otlp.expected, events)), otlp.number)

    def test_every_record_sent_as_json_is_found_once_though_an_answer_was_lost(self):
        self.send("json")

    def test_every_record_sent_as_protobuf_is_found_once_though_an_answer_was_lost(self):
        self.send("protobuf")


if __name__ == "__main__":
    unittest.main()
