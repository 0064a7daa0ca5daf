"""Handlers that push to Loki: python-logging-loki (JSON), winston-loki (JSON with structured metadata, protobuf with snappy).

python-logging-loki sends each record by itself and drops it when that fails; its session is given the retries of urllib3, as
an application does that wants to keep its logs. winston-loki keeps what it could not send and puts it before what was logged
since: a request whose answer was lost has the same body again only if nothing was, so the program waits for that.
"""

import logging
import time
import unittest

import logging_loki
from harness import data
from harness.case import ClientCase
from harness.moments import SECOND, ns, to_the_millisecond
from harness.node import node
from harness.python_logging import (
    line,
    logger_of,
    number,
    python_level,
    send_again,
    side_by_side,
)


class PythonLoggingLoki(ClientCase):
    def log(self, events):
        auth = ("trawl", self.server.key) if self.server.key else None
        handler = logging_loki.LokiHandler(f"{self.server.url}/loki/api/v1/push", version="1", auth=auth)
        send_again(handler.emitter.session)
        # What fails for good is an error of the test.
        handler.handleError = lambda record: self.failed.append(record)
        for event in events:
            logger = logger_of(handler, event["service"])
            logger.log(python_level(event), "%s", line(event), extra={"tags": {"service_name": event["service"]}})
        handler.close()

    def test_every_record_is_found_once_though_an_answer_was_lost(self):
        events, self.failed = data.events(), []
        self.serve(restart_at=4000)
        earliest = time.time_ns()
        side_by_side(self.log, events)
        latest = time.time_ns()
        self.assertEqual(self.failed, [])

        def is_now(timestamp):
            # The handler calculates in floating point.
            return earliest - SECOND <= ns(timestamp) <= latest + SECOND

        self.check([
            {
                "timestamp": is_now,
                "level": logging.getLevelName(python_level(event)).lower(),
                "message": line(event),
                "service": event["service"],
                "labels": {
                    "severity": logging.getLevelName(python_level(event)).lower(),
                    "logger": event["service"],
                    "service_name": event["service"],
                },
            }
            for event in events
        ], number)


class WinstonLoki(ClientCase):
    def send(self, encoding):
        events = data.events()
        server = self.serve(restart_at=8)
        node("loki.js", events, server.url, encoding, server.key)
        self.check([
            {
                "timestamp": to_the_millisecond(event["timestamp"]),
                "level": event["level"].lower(),
                "message": line(event),
                "service": event["service"],
                "labels": {"level": event["level"].lower(), "service_name": event["service"], "job": "tests"},
                **self.metadata(event, encoding),
            }
            for event in events
        ], number)

    def metadata(self, event, encoding):
        """What is sent beside the line and is no label: in JSON only, by this client, and as strings."""
        if encoding == "protobuf":
            return {}
        return {"structured_metadata": {"n": str(event["n"]), "level": event["level"].lower()}}

    def test_every_line_pushed_as_json_is_found_once_though_an_answer_was_lost(self):
        self.send("json")

    def test_every_line_pushed_as_protobuf_is_found_once_though_an_answer_was_lost(self):
        self.send("protobuf")


if __name__ == "__main__":
    unittest.main()
