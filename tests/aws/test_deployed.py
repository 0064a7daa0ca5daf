"""The real template, built and deployed by SAM on a stand-in for AWS, called over HTTP. `make aws-test` runs these."""

import hashlib
import json
import os
import pathlib
import subprocess
import sys
import time
import unittest
import urllib.error
import urllib.request
import uuid

from stack import stand_ins
from stack.stand_ins import CREDENTIALS, LOGS, ROOT, TARGET
from stack.system import KEY, at_once, event, numbers
from stack.wait import until

SAM = TARGET / "sam-venv/bin/sam"
BUILD = TARGET / "sam"


def sam(*arguments, endpoint=None):
    """Runs SAM; fails with what it said."""
    path = f"{pathlib.Path(sys.executable).parent}:{os.environ['PATH']}"
    environment = {**os.environ, **CREDENTIALS, "PATH": path, "SAM_CLI_TELEMETRY": "0"}
    if endpoint:
        environment["AWS_ENDPOINT_URL"] = endpoint
    done = subprocess.run([str(SAM), *arguments], cwd=ROOT, env=environment, capture_output=True, text=True)
    LOGS.mkdir(parents=True, exist_ok=True)
    (LOGS / f"sam-{arguments[0]}.log").write_text(done.stdout + done.stderr)
    if done.returncode:
        raise AssertionError(f"sam {arguments[0]} ended with {done.returncode}:\n{(done.stdout + done.stderr)[-4000:]}")


class Deployed(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        began = time.monotonic()
        sam("build", "--build-dir", str(BUILD), "--parameter-overrides", "Architecture=x86_64")
        print(f"    sam build took {time.monotonic() - began:.0f} s", flush=True)
        cls.stand_in = stand_ins.ministack()
        began = time.monotonic()
        parameters = {
            "Architecture": "x86_64", "EndpointUrl": cls.stand_in.url, "ApiKeySha256": hashlib.sha256(KEY.encode()).hexdigest(), "MaxEventAge": "none",
        }
        sam(
            "deploy", "--template-file", str(BUILD / "template.yaml"), "--config-file", str(ROOT / "samconfig.toml"), "--stack-name", "trawl",
            "--no-confirm-changeset", "--parameter-overrides", *[f"{key}={value}" for key, value in parameters.items()], endpoint=cls.stand_in.url,
        )
        print(f"    sam deploy took {time.monotonic() - began:.0f} s", flush=True)
        stack = stand_ins.client("cloudformation", cls.stand_in.url).describe_stacks(StackName="trawl")["Stacks"][0]
        cls.outputs = {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
        cls.functions = stand_ins.client("lambda", cls.stand_in.url)

    @classmethod
    def tearDownClass(cls):
        cls.stand_in.stop()

    def request(self, method, path, body=None, headers=None):
        host = f"{self.outputs['ApiId']}.execute-api.localhost"
        headers = {"Host": host, "Authorization": f"Bearer {KEY}", "Content-Type": "application/json", **(headers or {})}
        request = urllib.request.Request(self.stand_in.url + path, data=body, method=method, headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()

    def push(self, events):
        body = "\n".join(json.dumps(event) for event in events).encode()
        status, answer = self.request("POST", "/v1/events", body, {"Idempotency-Key": str(uuid.uuid4())})
        self.assertEqual(status, 202, answer)

    def search(self, query, **asked):
        status, answer = self.request("POST", "/v1/searches", json.dumps({"query": query, "limit": 100_000, **asked}).encode())
        self.assertEqual(status, 202, answer)
        search, events, cursor = json.loads(answer)["id"], [], None
        for _ in range(500):
            status, body = self.request("GET", f"/v1/searches/{search}?wait=2s" + (f"&cursor={cursor}" if cursor else ""))
            self.assertEqual(status, 200, body)
            answer = json.loads(body)
            events += answer["events"]
            cursor = answer["next_cursor"]
            if cursor is None:
                return {**answer, "events": events}
        raise AssertionError("the search did not end")

    def status(self):
        return json.loads(self.request("GET", "/v1/status")[1])

    def wait_until_persisted(self):
        until("all events are in segments", lambda: self.status()["tail_events"] == 0, 90, 0.5)

    def test_1_pushed_events_are_found_in_flight_and_persisted(self):
        self.assertEqual(self.request("GET", "/v1/health", headers={"Authorization": ""})[0], 200)
        self.push([event(n) for n in range(2000)])
        self.assertEqual(numbers(self.search("*")), list(range(2000)))
        self.wait_until_persisted()
        found = self.search("level:error", order="asc")
        self.assertEqual((found["status"], numbers(found)), ("complete", list(range(0, 2000, 10))))
        s3 = stand_ins.client("s3", self.stand_in.url)
        listed = s3.list_objects_v2(Bucket=self.outputs["BucketName"], Prefix="segments/v1/tenant=default/dt=2026-11-27/")
        self.assertGreater(listed["KeyCount"], 0)

    def test_2_the_key_is_asked_for(self):
        status, answer = self.request("GET", "/v1/status", headers={"Authorization": "Bearer wrong"})
        self.assertEqual(status, 401, answer)

    def test_3_a_poisoned_record_holds_nobody_up(self):
        kinesis = stand_ins.client("kinesis", self.stand_in.url)
        before = len(self.search("*")["events"])
        kinesis.put_record(StreamName=self.outputs["StreamName"], Data=b"no batch", PartitionKey="x")
        self.push([event(n) for n in range(5000, 5010)])
        self.wait_until_persisted()
        until("a dead letter", lambda: self.status()["dead_letters"] == 1, 60, 0.5)
        self.assertEqual(len(self.search("*")["events"]), before + 10)

    def test_4_fifty_searches_at_once(self):
        found = at_once([lambda n=n: self.search(f'"request {n} took"') for n in range(50)])
        self.assertEqual([numbers(answer) for answer in found], [[n] for n in range(50)])

    def test_5_the_schedule_compacts(self):
        answer = self.functions.invoke(FunctionName=self.outputs["CompactorFunctionName"], Payload=(ROOT / "events/compactor-schedule.json").read_bytes())
        self.assertNotIn("FunctionError", answer, answer.get("Payload") and answer["Payload"].read())


if __name__ == "__main__":
    unittest.main(verbosity=2)
