"""Handlers for the HTTP event collector of Splunk: splunk-handler (batches), splunk-hec-handler (objects, one by one).

splunk-handler sends a request again by itself, the very same. splunk-hec-handler leaves it at one attempt and raises what went
wrong: an application that wants to keep its logs logs again, and as the record brings its time, it is the same request.
"""

import logging
import unittest

import requests
from harness import data
from harness.case import ClientCase
from harness.moments import ns, rfc_3339, seconds
from harness.python_logging import line, logger_of, number, python_level, side_by_side
from harness.wait import until
from splunk_handler import SplunkHandler
from splunk_hec_handler import SplunkHecHandler

ANY_KEY = "none-needed"


class SplunkHandlerTest(ClientCase):
    def test_every_record_is_found_once_though_an_answer_was_lost(self):
        events = data.events()
        server = self.serve(restart_at=3)
        handler = SplunkHandler(
            host="127.0.0.1", port=server.port, protocol="http", verify=False, token=server.key or ANY_KEY, index="main", source="tests",
            hostname="host-1", sourcetype="text", allow_overrides=True, queue_size=0, flush_interval=0.1, retry_count=10, retry_backoff=0.2,
        )
        self.addCleanup(handler.close)
        logger = logger_of(handler)
        for event in events:
            logger.log(python_level(event), "%s", line(event), extra={"_time": seconds(event["timestamp"]), "_sourcetype": event["service"]})
        handler.wait_until_empty()
        self.check([
            {
                "timestamp": rfc_3339(ns(seconds(event["timestamp"]))),
                "message": line(event),
                "host": "host-1", "source": "tests", "index": "main", "sourcetype": event["service"],
            }
            for event in events
        ], number)


class SplunkHecHandlerTest(ClientCase):
    def log(self, events):
        handler = SplunkHecHandler(
            "127.0.0.1", self.server.key or ANY_KEY, port=self.server.port, proto="http", source="tests", sourcetype="_json", hostname="host-1",
        )
        logger = logger_of(handler)
        for event in events:
            until("a record is taken", lambda event=event: self.is_logged(logger, event), every=0.2)

    def is_logged(self, logger, event):
        try:
            logger.log(python_level(event), self.body(event))
        except (requests.ConnectionError, requests.exceptions.ChunkedEncodingError):
            return False
        return True

    @staticmethod
    def body(event):
        others = {name: value for name, value in event.items() if name != "timestamp"}
        return {**others, "time": seconds(event["timestamp"]), "fields": {"team": "tests"}}

    def test_every_record_is_found_once_though_an_answer_was_lost(self):
        events = data.events()
        self.serve(restart_at=4000)
        side_by_side(self.log, events)
        self.check([
            {
                **event,
                "timestamp": rfc_3339(ns(seconds(event["timestamp"]))),
                "time": seconds(event["timestamp"]),
                "log_level": logging.getLevelName(python_level(event)),
                "host": "host-1", "source": "tests", "sourcetype": "_json", "fields": {"team": "tests"},
            }
            for event in events
        ])


if __name__ == "__main__":
    unittest.main()
