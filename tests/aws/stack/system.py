"""The whole system on stand-ins, and a client of its API."""

import base64
import concurrent.futures
import gzip
import hashlib
import json
import threading
import time
import uuid

from . import stand_ins
from .functions import FunctionError, Functions, Throttled, TooLarge
from .mapping import Mapping
from .wait import until

KEY = "test-key"


class Services:
    """Stand-ins for S3 and DynamoDB (ministack) and Kinesis (kinesis-local), shared by the tests of a run."""

    _shared = None

    @classmethod
    def shared(cls):
        if cls._shared is None:
            cls._shared = cls()
        return cls._shared

    def __init__(self):
        self.storage, self.kinesis = stand_ins.ministack(), stand_ins.kinesis_local()


class System:
    """Stream, bucket, table, functions and mapping of one deployment."""

    def __init__(self, shards=2, concurrency=64, seed=0, maps=True, **mapping):
        services = Services.shared()
        name = f"trawl-{uuid.uuid4().hex[:12]}"
        self.name = name
        self.s3 = stand_ins.client("s3", services.storage.url)
        self.dynamodb = stand_ins.client("dynamodb", services.storage.url)
        self.kinesis = stand_ins.client("kinesis", services.kinesis.url)
        self.s3.create_bucket(Bucket=name)
        self.dynamodb.create_table(
            TableName=name, BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in ("pk", "sk")],
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        )
        self.kinesis.create_stream(StreamName=name, ShardCount=shards)
        self.wait_for_stream()
        self.functions = Functions({
            "AWS_ENDPOINT_URL": services.storage.url, "AWS_ENDPOINT_URL_KINESIS": services.kinesis.url,
            "TRAWL_STREAM": name, "TRAWL_BUCKET": name, "TRAWL_TABLE": name, "TRAWL_SCAN_WORKER": "scan-worker", "TRAWL_COORDINATOR": "coordinator",
            "TRAWL_API_KEY_SHA256": hashlib.sha256(KEY.encode()).hexdigest(), "TRAWL_KEY_PEPPER": "of-tests-and-nothing-else-0123456789",
            "TRAWL_MAX_EVENT_AGE": "none", "TRAWL_RETENTION": "none",
            "TRAWL_STREAM_RETENTION_HOURS": "24", "TRAWL_SEARCH_CONCURRENCY": str(concurrency), "TRAWL_LOG": "info",
        }, concurrency)
        self.mapping = None
        if maps:
            self.map(seed=seed, **mapping)

    def map(self, **settings):
        """Starts to persist."""
        self.mapping = Mapping(self.kinesis, self.name, self.functions, **settings)
        return self.mapping

    def wait_for_stream(self):
        def is_active():
            return self.kinesis.describe_stream_summary(StreamName=self.name)["StreamDescriptionSummary"]["StreamStatus"] == "ACTIVE"
        until("the stream is active", is_active, 30)

    def request(self, method, path, body=b"", headers=None, function=None):
        """A request as API Gateway hands it on; gives status, headers and body."""
        headers = {"authorization": f"Bearer {KEY}", **(headers or {})}
        path, _, query = path.partition("?")
        function = function or ("ingest" if path == "/v1/events" and method == "POST" else "coordinator")
        try:
            text, is_base64 = body.decode(), False
        except UnicodeDecodeError:
            text, is_base64 = base64.b64encode(body).decode(), True
        event = {
            "version": "2.0", "routeKey": "$default", "rawPath": path, "rawQueryString": query, "headers": headers,
            "requestContext": {
                "accountId": "000000000000", "apiId": "test", "domainName": "test", "requestId": str(uuid.uuid4()), "stage": "$default",
                "http": {"method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "127.0.0.1", "userAgent": "test"},
                "time": "27/Nov/2026:12:00:00 +0000", "timeEpoch": int(time.time() * 1000), "routeKey": "$default",
            },
            "isBase64Encoded": is_base64, **({"body": text} if body else {}),
        }
        try:
            answer = json.loads(self.functions.invoke(function, json.dumps(event).encode()))
        except Throttled:
            return 503, {}, b'{"message":"Service Unavailable"}'
        except TooLarge:
            return 413, {}, b'{"message":"Request Entity Too Large"}'
        except FunctionError as error:
            return 500, {}, str(error).encode()
        body = answer.get("body") or ""
        body = base64.b64decode(body) if answer.get("isBase64Encoded") else body.encode()
        return answer["statusCode"], {key.lower(): value for key, value in (answer.get("headers") or {}).items()}, body

    def push(self, events, key=None, compress=False):
        """Pushes events until they are acknowledged, as a client does; gives the answer."""
        body = "\n".join(json.dumps(event) for event in events).encode()
        headers = {"content-type": "application/x-ndjson", "idempotency-key": key or str(uuid.uuid4())}
        if compress:
            body, headers["content-encoding"] = gzip.compress(body), "gzip"
        for _ in range(60):
            status, _, answer = self.request("POST", "/v1/events", body, headers)
            if status == 202:
                return json.loads(answer)
            assert status in (500, 503), (status, answer)
            time.sleep(0.05)
        raise AssertionError("no push was acknowledged")

    def create(self, query="*", **asked):
        """Creates a search; gives its id."""
        body = json.dumps({"query": query, "limit": 1_000_000, **asked}).encode()
        for _ in range(60):
            status, _, answer = self.request("POST", "/v1/searches", body)
            if status == 202:
                return json.loads(answer)["id"]
            assert status in (500, 503), (status, answer)
            time.sleep(0.05)
        raise AssertionError("no search was created")

    def results(self, search, seconds=600):
        """Polls a search to its end; gives its last answer with the events of all pages."""
        events, cursor, deadline = [], None, time.monotonic() + seconds
        while True:
            status, _, body = self.request("GET", f"/v1/searches/{search}?wait=2s" + (f"&cursor={cursor}" if cursor else ""))
            if status in (500, 503):
                assert time.monotonic() < deadline, f"search {search}: {body}"
                time.sleep(0.05)
                continue
            assert status == 200, (status, body)
            answer = json.loads(body)
            events += answer["events"]
            if answer["next_cursor"] is None:
                return {**answer, "events": events}
            assert time.monotonic() < deadline, f"search {search} did not end: {body[:300]}"
            cursor = answer["next_cursor"]

    def search(self, query="*", seconds=600, **asked):
        return self.results(self.create(query, **asked), seconds)

    def status(self):
        status, _, body = self.request("GET", "/v1/status")
        assert status == 200, (status, body)
        return json.loads(body)

    def wait_until_persisted(self, seconds=120):
        until("all events are in segments", lambda: self.status()["tail_events"] == 0, seconds, 0.3)

    def compact(self):
        self.functions.invoke("compactor", b'{"source":"aws.events"}')

    def objects(self, prefix):
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=self.name, Prefix=prefix)
        return [entry["Key"] for page in pages for entry in page.get("Contents", [])]

    def close(self):
        if self.mapping:
            self.mapping.stop()
        self.functions.close()


def numbers(answer):
    """The numbers of a result's events, sorted; `event()` made them."""
    return sorted(event["n"] for event in answer["events"])


def event(number, **fields):
    return {"timestamp": f"2026-11-27T10:{number // 60 % 60:02}:{number % 60:02}.{number % 1000:03}Z", "service": f"service-{number % 7}",
            "level": "error" if number % 10 == 0 else "info", "message": f"request {number} took {number % 97} ms", "n": number, **fields}


def at_once(calls):
    """Runs calls side by side; gives their results in order."""
    with concurrent.futures.ThreadPoolExecutor(max_workers=64) as pool:
        return [future.result() for future in [pool.submit(call) for call in calls]]


class Background(threading.Thread):
    """Runs `step` again and again until stopped; its first error comes out of `stop`."""

    def __init__(self, step):
        super().__init__(daemon=True)
        self.step, self.error, self.is_stopped = step, None, False
        self.start()

    def run(self):
        try:
            while not self.is_stopped:
                self.step()
        except BaseException as error:
            self.error = error

    def stop(self):
        self.is_stopped = True
        self.join(timeout=120)
        if self.error:
            raise self.error
