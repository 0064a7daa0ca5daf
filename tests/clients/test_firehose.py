"""What Amazon Data Firehose delivers to an HTTP endpoint, made as its documentation says: nobody but AWS can run it.

https://docs.aws.amazon.com/firehose/latest/dev/httpdeliveryrequestresponse.html and, for the records of a subscription,
https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/SubscriptionFilters.html#FirehoseExample

A delivery that is not answered is sent again with the same request id, and a time of its own.
"""

import base64
import gzip
import http.client
import json
import time
import unittest
import uuid

from harness import data
from harness.case import ClientCase
from harness.moments import ns, to_the_millisecond
from harness.wait import until

SOURCE = "arn:aws:firehose:eu-west-1:123456789012:deliverystream/logs"
# So many events are a delivery.
DELIVERY = 500
# So many lines are a record.
LINES = 10


def record(content):
    return {"data": base64.b64encode(content).decode()}


def lines(events):
    """A record that an application put: one object a line."""
    return record(b"".join(json.dumps(event).encode() + b"\n" for event in events))


def subscription(message_type, group, log_events):
    """A record of a CloudWatch Logs subscription."""
    return record(gzip.compress(json.dumps({
        "messageType": message_type, "owner": "123456789012", "logGroup": group, "logStream": "stream-1",
        "subscriptionFilters": ["all"], "logEvents": log_events,
    }).encode()))


def log_event(event):
    return {"id": event_id(event), "timestamp": ns(event["timestamp"]) // 1_000_000, "message": event["message"]}


def event_id(event):
    """56 digits, as CloudWatch numbers events."""
    return f"{event['n']:056}"


class Firehose(ClientCase):
    def deliver(self, records):
        """Delivers records until the endpoint says that it has them, as Firehose does."""
        request_id = str(uuid.uuid4())
        until("a delivery is accepted", lambda: self.is_accepted(request_id, records), every=0.2)

    def is_accepted(self, request_id, records):
        now = time.time_ns() // 1_000_000
        headers = {
            "Content-Type": "application/json", "Content-Encoding": "gzip", "User-Agent": "Amazon Kinesis Data Firehose Agent/1.0",
            "X-Amz-Firehose-Protocol-Version": "1.0", "X-Amz-Firehose-Request-Id": request_id, "X-Amz-Firehose-Source-Arn": SOURCE,
        }
        if self.server.key:
            headers["X-Amz-Firehose-Access-Key"] = self.server.key
        body = gzip.compress(json.dumps({"requestId": request_id, "timestamp": now, "records": records}).encode())
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=60)
        try:
            connection.request("POST", "/firehose", body, headers)
            answer = connection.getresponse()
            said = answer.read()
        except (ConnectionError, http.client.HTTPException):
            return False
        finally:
            connection.close()
        # Without each of these Firehose takes a delivery for failed.
        self.assertEqual(answer.status, 200, said)
        self.assertEqual(answer.headers.get_content_type(), "application/json")
        self.assertEqual(json.loads(said)["requestId"], request_id)
        self.assertLess(abs(json.loads(said)["timestamp"] - now), 60_000)
        return True

    def test_every_line_of_a_record_is_found_once_though_an_answer_was_lost(self):
        events = data.events()
        self.serve(restart_at=10)
        for delivery in data.chunks(events, DELIVERY):
            self.deliver([lines(chunk) for chunk in data.chunks(delivery, LINES)])
        self.check(events)

    def test_every_event_of_a_subscription_is_found_once_though_an_answer_was_lost(self):
        events = data.events()
        self.serve(restart_at=10)
        control = [{"id": "", "timestamp": 0, "message": "CWL CONTROL MESSAGE: Checking health of destination Firehose."}]
        for delivery in data.chunks(events, DELIVERY):
            groups = [subscription("CONTROL_MESSAGE", "", control)]
            for service in sorted({event["service"] for event in delivery}):
                of_service = [log_event(event) for event in delivery if event["service"] == service]
                groups.append(subscription("DATA_MESSAGE", f"/tests/{service}", of_service))
            self.deliver(groups)
        self.check([
            {
                "timestamp": to_the_millisecond(event["timestamp"]), "message": event["message"], "id": event_id(event),
                "owner": "123456789012", "logGroup": f"/tests/{event['service']}", "logStream": "stream-1", "subscriptionFilters": ["all"],
            }
            for event in events
        ], number=lambda event: int(event["id"]))


if __name__ == "__main__":
    unittest.main()
