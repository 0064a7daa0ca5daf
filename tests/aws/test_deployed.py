"""The real template, built and deployed by SAM on a stand-in for AWS, called over HTTP. `make aws-test` runs these."""

import gzip
import io
import json
import pathlib
import re
import shutil
import sys
import tempfile
import unittest
import urllib.parse
import zipfile

from stack import stand_ins
from stack.deployment import Deployment
from stack.proxy import Proxy
from stack.sam import BUILT
from stack.stand_ins import ROOT
from stack.system import at_once, event, numbers
from stack.wait import until


def package(**files):
    """A deployment package of executables."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for path, content in files.items():
            entry = zipfile.ZipInfo(path)
            entry.external_attr = 0o755 << 16
            archive.writestr(entry, content)
    return packed.getvalue()


class Deployed(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.stack = Deployment.shared()

    def test_1_pushed_events_are_found_in_flight_and_persisted(self):
        stack = self.stack
        self.assertEqual(stack.request("GET", "/v1/health", headers={"Authorization": ""})[0], 200)
        stack.push([event(n) for n in range(2000)])
        # Real logs, which other tests push here, have no `n`.
        self.assertEqual(numbers(stack.search("n:*")), list(range(2000)))
        stack.wait_until_persisted()
        found = stack.search("n:* level:error", order="asc")
        self.assertEqual((found["status"], numbers(found)), ("complete", list(range(0, 2000, 10))))
        listed = stack.client("s3").list_objects_v2(Bucket=stack.outputs["BucketName"], Prefix="segments/v1/tenant=default/dt=2026-11-27/")
        self.assertGreater(listed["KeyCount"], 0)

    def test_1_the_page_is_served_without_a_key_and_its_parts_compressed(self):
        page, headers = self.stack.fetch("/")
        self.assertIn(b'<div id="root">', page)
        self.assertIn("default-src 'none'", headers["content-security-policy"])
        script = re.search(rb'src="(/assets/[^"]+\.js)"', page).group(1).decode()
        body, headers = self.stack.fetch(script, {"Accept-Encoding": "gzip"})
        self.assertEqual(headers["content-encoding"], "gzip")
        self.assertGreater(len(gzip.decompress(body)), len(body))
        self.assertEqual(self.stack.request("GET", "/v1/nothing")[0], 404)

    def test_1_clients_of_elasticsearch_are_told_at_the_same_address_what_this_is(self):
        body, headers = self.stack.fetch("/", {"User-Agent": "logstash/9.1.2 (OS=Linux-6.1; JVM=Oracle 21)"})
        self.assertEqual(headers["x-elastic-product"], "Elasticsearch")
        self.assertEqual(json.loads(body)["version"]["number"], "9.1.2")

    def test_8_matches_are_counted_beside_and_new_events_followed(self):
        stack = self.stack
        tail = json.loads(stack.request("GET", "/v1/tail")[1])
        stack.push([event(n, batch="counted") for n in range(500, 700)])
        found = stack.search("batch:counted", limit=10, histogram={"by": "level"}, facets=["batch"])
        self.assertEqual((len(found["events"]), found["progress"]["events_matched"]), (10, 200))
        self.assertEqual(sum(bucket["count"] for bucket in found["histogram"]["buckets"]), 200)
        self.assertEqual(found["facets"][0]["values"], [{"value": "counted", "count": 200}])
        given, cursor = found["events"], found["more_cursor"]
        while cursor:
            page = json.loads(stack.request("GET", f"/v1/searches/{found['id']}?wait=20s&cursor={cursor}")[1])
            given, cursor = given + page["events"], page["next_cursor"] or page["more_cursor"]
        self.assertEqual(sorted(event["n"] for event in given), list(range(500, 700)))
        seen = []

        def all_seen():
            path = "/v1/tail?query=batch:counted&wait=5s&cursor=" + urllib.parse.quote(tail["cursor"])
            tail.update(json.loads(stack.request("GET", path)[1]))
            seen.extend(tail["events"])
            return len(seen) >= 200

        until("all new events are seen", all_seen, 60, 0)
        self.assertEqual(sorted(event["n"] for event in seen), list(range(500, 700)))

    def test_2_the_key_is_asked_for(self):
        status, answer = self.stack.request("GET", "/v1/status", headers={"Authorization": "Bearer wrong"})
        self.assertEqual(status, 401, answer)

    def test_3_a_poisoned_record_holds_nobody_up(self):
        stack = self.stack
        before = len(stack.search("*")["events"])
        stack.client("kinesis").put_record(StreamName=stack.outputs["StreamName"], Data=b"no batch", PartitionKey="x")
        stack.push([event(n) for n in range(5000, 5010)])
        stack.wait_until_persisted()
        until("a dead letter", lambda: stack.status()["dead_letters"] == 1, 60, 0.5)
        self.assertEqual(len(stack.search("*")["events"]), before + 10)

    def test_4_fifty_searches_at_once(self):
        found = at_once([lambda n=n: self.stack.search(f'"request {n} took"') for n in range(50)])
        self.assertEqual([numbers(answer) for answer in found], [[n] for n in range(50)])

    def test_5_the_schedule_compacts(self):
        stack = self.stack
        answer = stack.functions.invoke(FunctionName=stack.outputs["CompactorFunctionName"], Payload=(ROOT / "events/compactor-schedule.json").read_bytes())
        self.assertNotIn("FunctionError", answer, answer.get("Payload") and answer["Payload"].read())

    def test_6_results_come_by_pages(self):
        stack = self.stack
        for start in range(100_000, 120_000, 5000):
            stack.push([event(n, batch="pages") for n in range(start, start + 5000)])
        search = stack.create("batch:pages", order="asc")
        pages = stack.pages(search)
        found = [entry["n"] for page in pages for entry in page["events"]]
        self.assertEqual(sorted(found), list(range(100_000, 120_000)), "each event once")
        print(f"    20,000 events came in {len(pages)} pages", flush=True)
        self.assertGreaterEqual(len(pages), 20)
        again = [entry["n"] for page in stack.pages(search) for entry in page["events"]]
        self.assertEqual(again, found, "pages never change")

    def test_7_a_throttled_stream_delays_and_loses_nothing(self):
        stack = self.stack
        proxy = Proxy(stack.url, seed=1)
        self.addCleanup(proxy.close)
        for output in ("IngestFunctionName", "CoordinatorFunctionName", "ScanWorkerFunctionName"):
            self.addCleanup(stack.set_variables(output, AWS_ENDPOINT_URL_KINESIS=proxy.url))

        def fault(operation):
            draw = proxy.random.random()
            if operation == "PutRecords":
                return "throttle" if draw < 0.3 else ("part", 0.5) if draw < 0.8 else None
            return "throttle" if operation in ("GetRecords", "PutRecord") and draw < 0.4 else None

        proxy.fault = fault
        asked = []
        for start in range(200_000, 202_000, 50):
            asked.append(stack.push([event(n, batch="throttled") for n in range(start, start + 50)]))
            if start % 500 == 0:
                self.assertEqual(numbers(stack.search("batch:throttled")), list(range(200_000, start + 50)))
        found = stack.search("batch:throttled")
        self.assertEqual((found["status"], numbers(found)), ("complete", list(range(200_000, 202_000))))
        met = {kind: proxy.counted(*kind) for kind in (("PutRecords", "throttle"), ("PutRecords", "part"), ("GetRecords", "throttle"))}
        print(f"    40 pushes took {sum(asked)} requests; throttled: {met}", flush=True)
        self.assertTrue(all(met.values()), met)
        proxy.fault = lambda _operation: None
        stack.wait_until_persisted()
        self.assertEqual(numbers(stack.search("batch:throttled")), list(range(200_000, 202_000)))

    def test_8_the_alarms_watch_what_was_deployed(self):
        stack = self.stack
        mappings = stack.functions.list_event_source_mappings(FunctionName=stack.outputs["PersisterFunctionName"])["EventSourceMappings"]
        alarms = {alarm["MetricName"]: alarm for alarm in stack.client("cloudwatch").describe_alarms()["MetricAlarms"]}
        for metric in ("OnFailureDestinationDeliveredEventCount", "DroppedEventCount"):
            self.assertEqual(alarms[metric]["Dimensions"], [{"Name": "EventSourceMappingUUID", "Value": mappings[0]["UUID"]}])
        self.assertEqual(alarms["5xx"]["Dimensions"], [{"Name": "ApiId", "Value": stack.outputs["ApiId"]}])


class Access(unittest.TestCase):
    """Keys, tenants, limits and deletions of the deployed stack, and events by other protocols."""

    @classmethod
    def setUpClass(cls):
        cls.stack = Deployment.shared()
        cls.shop = cls.make_key(tenant="shop", scopes=["ingest", "search", "admin"])

    @classmethod
    def make_key(cls, **asked):
        status, answer = cls.stack.request("POST", "/v1/keys", json.dumps({"name": "test", **asked}).encode())
        assert status == 201, (status, answer)
        return json.loads(answer)["key"]

    def ask(self, key, method, path, body=None, **headers):
        body = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        status, answer = self.stack.request(method, path, body, {"Authorization": f"Bearer {key}", **headers})
        return status, json.loads(answer or b"null")

    def found(self, key, query):
        """The events that a search with a key finds."""
        status, created = self.ask(key, "POST", "/v1/searches", {"query": query, "limit": 1000})
        self.assertEqual(status, 202, created)
        page = {"status": "running"}

        def is_done():
            page.update(self.ask(key, "GET", f"/v1/searches/{created['id']}?wait=5s")[1])
            return page["status"] != "running"

        until("the search ends", is_done, 60, 0.1)
        self.assertEqual(page["status"], "complete", page)
        return page["events"]

    def test_1_a_key_opens_its_tenant_and_its_scopes(self):
        for path, body, headers in [
            ("/v1/events", b'{"message":"native"}', {}),
            ("/logs/_bulk", b'{"index":{}}\n{"message":"bulk"}\n', {"Content-Type": "application/x-ndjson"}),
            ("/loki/api/v1/push", {"streams": [{"stream": {"service": "loki"}, "values": [["1772000000000000000", "loki"]]}]}, {}),
            ("/services/collector/event", {"event": "hec"}, {}),
            ("/api/v2/logs", [{"message": "datadog"}], {}),
            ("/v1/logs", {"resourceLogs": [{"scopeLogs": [{"logRecords": [{"body": {"stringValue": "otlp"}}]}]}]}, {}),
        ]:
            body = body if isinstance(body, bytes) else json.dumps(body).encode()
            status, answer = self.stack.request("POST", path, body, {"Authorization": f"Bearer {self.shop}", **headers})
            self.assertIn(status, (200, 202, 204), (path, answer))
        messages = sorted(event["message"] for event in self.found(self.shop, "*"))
        self.assertEqual(messages, ["bulk", "datadog", "hec", "loki", "native", "otlp"])
        self.assertEqual(self.stack.search("loki OR hec OR datadog OR otlp")["events"], [], "of another tenant")
        sender = self.make_key(tenant="shop", scopes=["ingest"])
        self.assertEqual(self.ask(sender, "POST", "/v1/searches", {"query": "*"})[0], 403)
        self.assertEqual(self.ask(self.shop, "PUT", "/v1/limits/shop", {})[0], 403)
        self.assertEqual(self.ask(sender, "POST", "/v1/events", {"message": "more"})[0], 202)
        status, revoked = self.ask(self.shop, "DELETE", "/v1/keys/" + sender.split("_")[1])
        self.assertEqual((status, revoked["revoked"]["by"][:4]), (200, "key:"))

        def is_refused():
            return self.ask(sender, "POST", "/v1/events", {"message": "too late"})[0] == 401

        until("a revoked key opens nothing", is_refused, 60, 1)

    def test_2_a_tenant_is_held_to_its_limits(self):
        bank = self.make_key(tenant="bank", scopes=["ingest", "search"])
        status, answer = self.stack.request("PUT", "/v1/limits/bank", b'{"ingest_events_per_second": 1, "scanned_bytes_per_day": 1}')
        self.assertEqual(status, 200, answer)
        batch = "\n".join(json.dumps({"message": f"m {n}"}) for n in range(20)).encode()
        statuses = [self.ask(bank, "POST", "/v1/events", batch)[0] for _ in range(4)]
        self.assertEqual(statuses[0], 202)
        self.assertIn(429, statuses)
        refused = self.ask(bank, "POST", "/v1/events", batch)
        if refused[0] == 429:
            self.assertEqual(refused[1]["error"]["code"], "rate_limited")

    def test_3_deleted_events_are_hidden_at_once_and_then_rewritten(self):
        stack = self.stack
        events = "\n".join(json.dumps({"user": user, "message": f"{user} pays {n}"}) for user in ("ann", "bob") for n in range(20))
        self.assertEqual(self.ask(self.shop, "POST", "/v1/events", events.encode())[0], 202)
        self.assertEqual(len(self.found(self.shop, "user:ann")), 20)
        status, deletion = self.ask(self.shop, "POST", "/v1/deletions", {"query": "user:ann", "reason": "asked for"})
        self.assertEqual((status, deletion["status"]), (202, "hidden"))
        self.assertEqual((len(self.found(self.shop, "user:ann")), len(self.found(self.shop, "user:bob"))), (0, 20))
        stack.wait_until_persisted()
        record = {}

        def is_rewritten():
            # What a schedule does every few minutes; segments younger than a minute are left alone.
            answer = stack.functions.invoke(FunctionName=stack.outputs["CompactorFunctionName"], Payload=b"{}")
            self.assertNotIn("FunctionError", answer, answer["Payload"].read())
            record.update(self.ask(self.shop, "GET", f"/v1/deletions/{deletion['id']}")[1])
            return record["status"] == "rewritten"

        until("no segment in use holds them", is_rewritten, 240, 5)
        self.assertEqual(record["events_removed"], 20)
        self.assertEqual((len(self.found(self.shop, "user:ann")), len(self.found(self.shop, "user:bob"))), (0, 20))


class ScanWorkers(unittest.TestCase):
    """Scan workers that crash, are slow, and are many: the deployed function with `faulty.py` before it."""

    @classmethod
    def setUpClass(cls):
        cls.stack = stack = Deployment.shared()
        cls.directory = pathlib.Path(tempfile.mkdtemp(prefix="trawl-faults-"))
        cls.addClassCleanup(shutil.rmtree, cls.directory)
        cls.plan()
        name, function = stack.outputs["ScanWorkerFunctionName"], (BUILT / "ScanWorkerFunction/bootstrap").read_bytes()
        bootstrap = f"#!{sys.executable}\n" + (ROOT / "tests/aws/stack/faulty.py").read_text()
        cls.addClassCleanup(stack.functions.update_function_code, FunctionName=name, ZipFile=package(bootstrap=function))
        cls.addClassCleanup(stack.set_variables("ScanWorkerFunctionName", FAULTS=str(cls.directory)))
        stack.functions.update_function_code(FunctionName=name, ZipFile=package(bootstrap=bootstrap, function=function))
        # A day a segment, and sixteen segments a task: 50 tasks and more.
        days = [f"20{year}-{month:02}-{day:02}" for year in range(18, 22) for month in range(1, 13) for day in range(1, 19)]
        stack.push([event(n, timestamp=f"{date}T12:00:00Z", batch="days") for n, date in enumerate(days)])
        stack.wait_until_persisted()
        cls.days = len(days)

    @classmethod
    def plan(cls, **plan):
        (cls.directory / "notes").write_text("")
        (cls.directory / "plan.json").write_text(json.dumps(plan))

    def noted(self):
        """What the workers noted, in the order of time: pairs of what and when."""
        lines = [line.split() for line in (self.directory / "notes").read_text().splitlines()]
        return sorted(((what, float(when)) for what, when in lines), key=lambda pair: pair[1])

    def count_days(self):
        """A table needs all of its tasks, so it starts as many as it may."""
        found = self.stack.search("batch:days | stats count()", **{"from": "2018-01-01"})
        self.assertEqual((found["status"], found["aggregates"]["rows"]), ("complete", [[self.days]]))
        return found

    def test_1_fifty_workers_run_at_once(self):
        self.plan(gather=50)
        found = self.count_days()
        running, most = 0, 0
        for what, _ in self.noted():
            running += {"begin": 1, "end": -1}.get(what, 0)
            most = max(most, running)
        print(f"    {found['progress']['tasks_total']} tasks, {most} workers at once", flush=True)
        self.assertGreaterEqual(most, 50)

    def test_2_a_crashing_worker_is_tried_again(self):
        self.plan(crash_every=7)
        found = self.stack.search("batch:days", **{"from": "2018-01-01", "order": "asc"})
        self.assertEqual((found["status"], numbers(found)), ("complete", list(range(self.days))))
        self.count_days()
        crashes = sum(what == "crash" for what, _ in self.noted())
        print(f"    {crashes} crashes", flush=True)
        self.assertGreater(crashes, 0)

    def test_3_slow_workers_are_waited_for(self):
        # Longer than calls of other services may take.
        self.plan(delay=25)
        self.count_days()


if __name__ == "__main__":
    unittest.main(verbosity=2)
