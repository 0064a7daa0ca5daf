"""The functions together: real binaries, real protocols, faults on purpose. `make aws-test` runs these."""

import json
import os
import random
import threading
import time
import unittest

from stack.functions import chance
from stack.system import Background, System, at_once, event, numbers
from stack.wait import until

# How long writer and searcher run against each other.
SNAPSHOT_SECONDS = float(os.environ.get("TRAWL_SNAPSHOT_SECONDS", "60"))
SEED = int(os.environ.get("TRAWL_AWS_SEED", "1"))


class Pipeline(unittest.TestCase):
    """One deployment, used as a person would."""

    @classmethod
    def setUpClass(cls):
        cls.system = System(maps=False)

    @classmethod
    def tearDownClass(cls):
        cls.system.close()

    def test_1_what_was_acknowledged_is_found_in_flight(self):
        system = self.system
        answer = system.push([event(n) for n in range(1000)])
        self.assertEqual((answer["accepted"], answer["rejected_total"]), (1000, 0))
        self.assertEqual(numbers(system.search()), list(range(1000)))
        self.assertEqual(system.objects("segments/"), [])
        self.assertEqual(system.status()["tail_events"], 1000)
        table = system.search("level:error | stats count() by service")["aggregates"]
        self.assertEqual(sum(row[1] for row in table["rows"]), 100)

    def test_2_and_after_it_was_persisted(self):
        system = self.system
        system.push([event(n) for n in range(1000, 1500)], compress=True)
        system.map()
        system.wait_until_persisted()
        self.assertTrue(system.objects("segments/v1/tenant=default/dt=2026-11-27/"))
        found = system.search()
        self.assertEqual((found["status"], numbers(found)), ("complete", list(range(1500))))
        self.assertGreater(found["cost"]["gets"], 0)
        self.assertEqual(numbers(system.search('"request 77 took"')), [77])
        self.assertEqual(numbers(system.search(r"/took 9[0-6] ms/ service:service-3")), [n for n in range(1500) if n % 97 >= 90 and n % 7 == 3])
        newest = system.search(limit=10)["events"]
        self.assertEqual([e["timestamp"] for e in newest], sorted((e["timestamp"] for e in newest), reverse=True))
        fields = json.loads(system.request("GET", "/v1/fields")[2])
        self.assertIn({"name": "n", "types": {"int": 1500}}, fields["fields"])

    def test_3_results_come_by_pages(self):
        system = self.system
        for start in range(100_000, 120_000, 5000):
            system.push([event(n, batch="pages") for n in range(start, start + 5000)])
        search = system.create("batch:pages", order="asc")
        found = system.results(search)
        self.assertEqual(numbers(found), list(range(100_000, 120_000)))
        again = system.results(search)
        self.assertEqual([e["n"] for e in again["events"]], [e["n"] for e in found["events"]], "pages never change")

    def test_4_repetitions_count_once(self):
        system = self.system
        events = [event(n, batch="twice") for n in range(200_000, 200_050)]
        answers = [system.push(events, key="the-same") for _ in range(3)]
        self.assertEqual({answer["batch_id"] for answer in answers}, {answers[0]["batch_id"]})
        self.assertEqual(len(system.search("batch:twice")["events"]), 50)
        system.wait_until_persisted()
        self.assertEqual(len(system.search("batch:twice")["events"]), 50)

    def test_5_a_record_that_is_no_batch_becomes_a_dead_letter(self):
        system = self.system
        before = len(system.search()["events"])
        junk = b"\x00no batch\xff" * 9
        system.kinesis.put_record(StreamName=system.name, Data=junk, PartitionKey="x")
        system.push([event(n) for n in range(300_000, 300_020)])
        system.wait_until_persisted()
        until("a dead letter", lambda: system.status()["dead_letters"] == 1, 30)
        letters = system.objects("dead-letters/")
        body = next(key for key in letters if key.endswith(".bin"))
        self.assertEqual(system.s3.get_object(Bucket=system.name, Key=body)["Body"].read(), junk)
        note = json.loads(system.s3.get_object(Bucket=system.name, Key=body.replace(".bin", ".json"))["Body"].read())
        self.assertIn("not a batch", note["reason"])
        self.assertEqual(len(system.search()["events"]), before + 20)

    def test_6_compaction_changes_no_result(self):
        system = self.system
        for n in range(400_000, 400_012):
            system.push([event(n)])
            system.wait_until_persisted()
        before = system.status()
        self.assertGreater(before["segments"], 8)
        found = numbers(system.search())
        system.functions.environment["TRAWL_LOG"] = "debug"
        system.compact()
        # Young rows are left alone for a minute, so only what is older was merged; nothing may differ.
        self.assertEqual(numbers(system.search()), found)
        self.assertEqual(system.status()["events"], before["events"])

    def test_7_bad_input_gets_a_clear_error(self):
        system = self.system
        for method, path, body, headers, status, code in [
            ("POST", "/v1/events", b"{", {}, 400, None),
            ("POST", "/v1/events", b"[]", {}, 400, None),
            ("POST", "/v1/events", b"\xff\xfe", {"content-encoding": "br"}, 415, "unsupported_content_encoding"),
            ("POST", "/v1/events", b"\x1f\x8b not gzip", {"content-encoding": "gzip"}, 400, None),
            ("POST", "/v1/searches", b'{"query":"(a"}', {}, 400, None),
            ("POST", "/v1/searches", b"nonsense", {}, 400, "invalid_request"),
            ("GET", "/v1/searches/00000000000000000000000000000000", b"", {}, 404, "unknown_search"),
            ("GET", "/v1/nowhere", b"", {}, 404, "unknown_route"),
            ("PUT", "/v1/searches", b"", {}, 405, "method_not_allowed"),
            ("GET", "/v1/events", b"", {}, 405, "method_not_allowed"),
            ("GET", "/v1/status", b"", {"authorization": "Bearer wrong"}, 401, None),
            ("POST", "/v1/events", b"{}", {"authorization": ""}, 401, None),
        ]:
            with self.subTest(method=method, path=path, body=body):
                got, _, answer = system.request(method, path, body, headers)
                error = json.loads(answer)["error"]
                self.assertEqual(got, status, error)
                self.assertTrue(error["message"])
                if code:
                    self.assertEqual(error["code"], code)
        self.assertEqual(system.request("GET", "/v1/health", headers={"authorization": ""})[0], 200)

    def test_8_fifty_searches_at_once(self):
        system = self.system
        system.push([event(n, batch="fifty") for n in range(500_000, 500_050)])
        found = at_once([lambda n=n: system.search(f'"request {n} took" batch:fifty') for n in range(500_000, 500_050)])
        self.assertEqual([numbers(answer) for answer in found], [[n] for n in range(500_000, 500_050)])

    def test_9_a_cancelled_search_ends(self):
        system = self.system
        search = system.create("*")
        status, _, body = system.request("DELETE", f"/v1/searches/{search}")
        self.assertEqual(status, 200, body)
        self.assertIn(system.results(search)["status"], ("cancelled", "complete"))


class Faults(unittest.TestCase):
    """What goes wrong, and what must hold all the same."""

    def setUp(self):
        self.system = None

    def tearDown(self):
        if self.system:
            self.system.close()

    def start(self, **settings):
        self.system = System(**settings)
        return self.system

    def test_functions_killed_at_random_lose_and_double_nothing(self):
        system = self.start(seed=SEED, batch_size=20)
        system.mapping.redeliver = 0.2
        system.functions.fault = chance(SEED, {
            "persister": [(0.25, ("kill", 0.3)), (0.1, ("fail",))],
            "coordinator": [(0.1, ("kill", 0.4))],
            "scan-worker": [(0.1, ("kill", 0.2)), (0.1, ("throttle",))],
            "ingest": [(0.1, ("kill", 0.1))],
            "compactor": [(0.5, ("kill", 1.0))],
        })
        pushed = []

        def push():
            start = len(pushed) * 100
            system.push([event(n) for n in range(start, start + 100)])
            pushed.append(start)

        def search():
            before = len(pushed) * 100
            found = system.search()
            if found["status"] == "complete":
                seen = numbers(found)
                self.assertEqual(len(seen), len(set(seen)), "an event was seen twice")
                self.assertEqual(seen[:before], list(range(before)), "an acknowledged event is missing")
            else:
                self.assertEqual(found["status"], "partial", found.get("error"))
                self.assertTrue(found["missing"])

        writer, searcher = Background(push), Background(search)
        until("forty pushes under faults", lambda: len(pushed) >= 40 or writer.error or searcher.error, 180)
        writer.stop()
        searcher.stop()
        killed = sum(system.functions.counted(name, "kill") for name in ("persister", "coordinator", "scan-worker", "ingest"))
        self.assertGreater(killed, 10)
        system.functions.fault = lambda *_: None
        system.mapping.redeliver = 0.0
        system.wait_until_persisted()
        total = len(pushed) * 100
        self.assertEqual(numbers(system.search()), list(range(total)))
        self.assertEqual(system.search("* | stats count()")["aggregates"]["rows"], [[total]])
        self.assertEqual(system.status()["events"], total)
        self.assertEqual(system.mapping.destination, [])

    def test_every_search_sees_one_moment(self):
        system = self.start(batch_size=10)
        acknowledged, lock = [0], threading.Lock()

        def push():
            start = acknowledged[0]
            system.push([event(n) for n in range(start, start + 20)])
            with lock:
                acknowledged[0] = start + 20

        searches = []

        def search():
            with lock:
                before = acknowledged[0]
            found = system.search("* | stats count(), sum(n), max(n)")
            self.assertEqual(found["status"], "complete", found.get("error"))
            count, total, highest = found["aggregates"]["rows"][0]
            highest = -1 if highest is None else highest
            self.assertGreaterEqual(count, before, "an acknowledged event is missing")
            self.assertEqual(count, highest + 1, "a hole, or an event twice")
            self.assertEqual(total or 0, count * (count - 1) // 2, "one event in place of another")
            searches.append(count)

        def compact():
            system.compact()
            time.sleep(1)

        threads = [Background(push), Background(search), Background(search), Background(compact)]
        deadline = time.monotonic() + SNAPSHOT_SECONDS
        until("the time is over", lambda: (time.monotonic() > deadline and len(searches) > 20) or any(t.error for t in threads), SNAPSHOT_SECONDS + 60)
        for thread in threads:
            thread.stop()
        print(f"    {len(searches)} searches beside {acknowledged[0]} events", flush=True)

    def test_a_thousand_segments_with_one_in_ten_invocations_failing(self):
        system = self.start(maps=False, shards=1, concurrency=64)
        pushed = 0
        while pushed < 1000:
            at_once([lambda n=n: system.push([event(n)]) for n in range(pushed, pushed + 50)])
            pushed += 50
        # One record at a time is one segment each.
        system.map(batch_size=1, window=0.05)
        until("a thousand segments", lambda: system.status()["segments"] == 1000, 180, 4)
        calm = system.search()
        self.assertEqual((calm["status"], numbers(calm)), ("complete", list(range(1000))))
        system.functions.fault = chance(SEED, {"scan-worker": [(0.05, ("throttle",)), (0.05, ("fail",))]})
        for query, expected in [("*", list(range(1000))), ("level:error", list(range(0, 1000, 10)))]:
            found = system.search(query)
            if found["status"] == "complete":
                self.assertEqual(numbers(found), expected)
            else:
                self.assertEqual(found["status"], "partial")
                self.assertTrue(found["missing"])
                self.assertTrue(set(numbers(found)) <= set(expected))
        failed = system.functions.counted("scan-worker", "throttle") + system.functions.counted("scan-worker", "fail")
        self.assertGreater(failed, 3)
        # What always fails is named.
        system.functions.fault = lambda name, payload: ("fail",) if name == "scan-worker" and b'"number":2,' in payload else None
        found = system.search()
        self.assertEqual(found["status"], "partial")
        self.assertIn("events from", found["missing"][0])
        self.assertLess(len(found["events"]), 1000)

    def test_a_straggler_is_started_a_second_time(self):
        system = self.start(maps=False, shards=1)
        at_once([lambda n=n: system.push([event(n)]) for n in range(300)])
        system.map(batch_size=1, window=0.05)
        until("three hundred segments", lambda: system.status()["segments"] == 300, 120, 2)
        slow = threading.Event()

        def fault(name, _payload):
            if name == "scan-worker" and not slow.is_set():
                slow.set()
                return ("delay", 100)
            return None

        system.search()
        system.functions.fault = fault
        began = time.monotonic()
        found = system.search("* | stats count()")
        self.assertEqual(found["aggregates"]["rows"], [[300]])
        self.assertTrue(slow.is_set())
        self.assertLess(time.monotonic() - began, 90, "the search waited for the straggler")

    def test_a_search_goes_on_after_its_coordinator_was_killed(self):
        system = self.start(maps=False, shards=1, concurrency=4)
        at_once([lambda n=n: system.push([event(n)]) for n in range(320)])
        system.map(batch_size=1, window=0.05)
        until("320 segments", lambda: system.status()["segments"] == 320, 180, 2)
        runs = [0]

        def fault(name, payload):
            # Tasks take long enough that the run is killed among them.
            if name == "scan-worker":
                return ("delay", 1.0)
            if name == "coordinator" and payload.startswith(b'{"run"'):
                runs[0] += 1
                return ("kill", 4.5) if runs[0] == 1 else None
            return None

        system.functions.fault = fault
        before = system.functions.counted("scan-worker")
        found = system.search("*", order="asc")
        self.assertEqual((found["status"], numbers(found)), ("complete", list(range(320))))
        self.assertEqual([e["n"] for e in found["events"]], sorted(e["n"] for e in found["events"]))
        self.assertGreaterEqual(runs[0], 2, "the run was not killed")
        tasks = system.functions.counted("scan-worker") - before
        # What was under way, and what was done in the 2 s since it was noted last: four workers, a second a task. Begun anew it would be 16 or more beside.
        self.assertLessEqual(tasks, found["progress"]["tasks_total"] + 4 + 8, "work was done twice")

    def test_shards_split_and_merge_under_load(self):
        system = self.start(shards=2, batch_size=20)
        pushed = [0]

        def push():
            system.push([event(n) for n in range(pushed[0], pushed[0] + 10)])
            pushed[0] += 10

        writer = Background(push)
        for shards in (4, 3, 2, 4):
            before = pushed[0]
            until("more events", lambda: pushed[0] > before + 60 or writer.error, 60)
            system.kinesis.update_shard_count(StreamName=system.name, TargetShardCount=shards, ScalingType="UNIFORM_SCALING")
            system.wait_for_stream()
            found = numbers(system.search())
            self.assertEqual(found, list(range(len(found))))
            self.assertGreater(len(found), before)
        writer.stop()
        system.wait_until_persisted()
        self.assertEqual(numbers(system.search()), list(range(pushed[0])))

    def test_what_the_persister_cannot_do_goes_to_the_destination_and_holds_nobody_up(self):
        system = self.start(maps=False, shards=1)
        for n in range(6):
            system.push([event(n)])
        bad = system.kinesis.get_records(
            ShardIterator=system.kinesis.get_shard_iterator(StreamName=system.name, ShardId="shardId-000000000000", ShardIteratorType="TRIM_HORIZON")["ShardIterator"]
        )["Records"][2]["SequenceNumber"].encode()
        system.functions.fault = lambda name, payload: ("fail",) if name == "persister" and bad in payload else None
        mapping = system.map(max_attempts=4, batch_size=6)
        until("one record given up", lambda: mapping.destination, 60)
        given_up = [record["SequenceNumber"].encode() for entry in mapping.destination for record in entry["records"]]
        self.assertEqual(given_up, [bad], "only the record that cannot be persisted, whole")
        system.functions.fault = lambda *_: None
        until("five events persisted", lambda: system.status()["events"] == 5, 60, 0.3)


if __name__ == "__main__":
    random.seed(SEED)
    unittest.main(verbosity=2)
