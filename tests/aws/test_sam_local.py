"""The template under `sam local`: each sample event, and a push and a search over HTTP. `make sam-local-test` runs these.

Functions run in containers; ministack stands in for S3, Kinesis and DynamoDB, and `sam local start-lambda` for the Lambda
that the coordinator calls."""

import hashlib
import json
import socket
import unittest
import urllib.error
import urllib.parse
import urllib.request
import uuid

from stack import engine, sam, stand_ins
from stack.proxy import Proxy
from stack.stand_ins import ROOT, Service, free_port
from stack.system import event, numbers
from stack.wait import until

# The key of the samples.
KEY = "trawl-sample-key"
NAME = "trawl"


class Listening(Service):
    """Asked by no request, since each of them starts a container."""

    def answers(self, _path):
        assert self.process.poll() is None, f"it ended with status {self.process.returncode}: see {self.log}"
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", urllib.parse.urlsplit(self.url).port)) == 0


class SamLocal(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        if engine.missing():
            raise AssertionError(f"missing: {', '.join(engine.missing())} (see `make sam-local-test`)")
        sam.build()
        try:
            cls.engine = engine.Engine()
        except engine.CannotStart as reason:
            raise unittest.SkipTest(f"containers cannot start here: {reason}") from reason
        cls.addClassCleanup(cls.engine.stop)
        cls.storage = stand_ins.ministack()
        cls.addClassCleanup(cls.storage.stop)
        cls.s3 = stand_ins.client("s3", cls.storage.url)
        cls.make_resources()
        lambda_port = free_port()
        # One address for all services, which containers reach.
        proxy = Proxy(cls.storage.url, address=engine.ADDRESS, routes={"/2015-03-31/functions/": f"http://127.0.0.1:{lambda_port}"})
        cls.addClassCleanup(proxy.close)
        cls.arguments = cls.common_arguments(proxy.url)
        cls.serve("start-lambda", lambda_port)
        api_port = free_port()
        # Its containers stay between requests; those of start-lambda do not, so that workers run at once.
        cls.url = cls.serve("start-api", api_port, "--warm-containers", "LAZY").url

    @classmethod
    def make_resources(cls):
        cls.s3.create_bucket(Bucket=NAME)
        stand_ins.client("kinesis", cls.storage.url).create_stream(StreamName=NAME, ShardCount=1)
        stand_ins.client("dynamodb", cls.storage.url).create_table(
            TableName=NAME, BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in ("pk", "sk")],
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        )

    @classmethod
    def common_arguments(cls, endpoint):
        # SAM makes names of references out of logical ids, which are no names of buckets, and nothing of conditions.
        variables = stand_ins.TARGET / "sam-local-variables.json"
        variables.write_text(json.dumps({"Parameters": {"TRAWL_STREAM": NAME, "TRAWL_BUCKET": NAME, "TRAWL_TABLE": NAME, "AWS_ENDPOINT_URL": endpoint}}))
        parameters = {"Architecture": "x86_64", "ApiKeySha256": hashlib.sha256(KEY.encode()).hexdigest(), "MaxEventAge": "none"}
        return [
            "--template", str(sam.TEMPLATE), "--skip-pull-image", "--env-vars", str(variables),
            "--parameter-overrides", *[f"{key}={value}" for key, value in parameters.items()],
        ]

    @classmethod
    def serve(cls, verb, port, *more):
        command = [str(sam.SAM), "local", verb, "--port", str(port), *more, *cls.arguments]
        service = Listening(f"sam-{verb}", command, {**sam.ENVIRONMENT, **cls.engine.environment}, ROOT, port=port)
        cls.addClassCleanup(service.stop)
        return service

    def invoke(self, function, sample):
        printed = sam.sam("local", "invoke", function, "--event", f"events/{sample}.json", *self.arguments,
                          environment=self.engine.environment, log=f"local-{sample}")
        self.assertTrue(printed.strip(), f"no answer: see {stand_ins.LOGS / f'sam-local-{sample}.log'}")
        return json.loads(printed.strip().splitlines()[-1])

    def request(self, method, path, body=None, **headers):
        headers = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json", **headers}
        request = urllib.request.Request(self.url + path, data=body, method=method, headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=120) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()

    def test_1_a_push_and_a_search_over_http(self):
        body = "\n".join(json.dumps(event(n, batch="http")) for n in range(100)).encode()
        status, answer = self.request("POST", "/v1/events", body, **{"Idempotency-Key": str(uuid.uuid4())})
        self.assertEqual(status, 202, answer)
        status, answer = self.request("POST", "/v1/searches", b'{"query":"batch:http","limit":1000}')
        self.assertEqual(status, 202, answer)
        search = json.loads(answer)["id"]

        def ended():
            status, body = self.request("GET", f"/v1/searches/{search}?wait=5s")
            # Containers that start beside each other are slow to reach their services; a client asks again.
            if status == 503:
                return None
            self.assertEqual(status, 200, body)
            answer = json.loads(body)
            return answer if answer["status"] != "running" else None

        found = until("the search ends", ended, 120, 0.5)
        self.assertEqual((found["status"], numbers(found)), ("complete", list(range(100))))
        self.assertEqual(self.request("GET", "/v1/status", Authorization="Bearer wrong")[0], 401)

    def test_2_samples_of_ingest(self):
        for sample in ("ingest-json", "ingest-gzip"):
            answer = self.invoke("IngestFunction", sample)
            self.assertEqual(answer["statusCode"], 202, answer)
            self.assertEqual(json.loads(answer["body"])["accepted"], 3)

    def test_3_samples_of_the_coordinator(self):
        created = self.invoke("CoordinatorFunction", "coordinator-search")
        self.assertEqual(created["statusCode"], 202, created)
        unknown = self.invoke("CoordinatorFunction", "coordinator-results")
        self.assertEqual((unknown["statusCode"], json.loads(unknown["body"])["error"]["code"]), (404, "unknown_search"))

    def test_4_sample_of_a_run(self):
        # A run of a search that is gone ends at once.
        self.assertIsNone(self.invoke("CoordinatorFunction", "coordinator-run"))

    def test_5_sample_of_a_scan_worker(self):
        self.assertIn("result", self.invoke("ScanWorkerFunction", "scan-worker-task"))

    def test_6_sample_of_the_compactor(self):
        self.assertIsNone(self.invoke("CompactorFunction", "compactor-schedule"))

    def test_6_sample_of_the_web_ui(self):
        answer = self.invoke("WebFunction", "web-page")
        self.assertEqual((answer["statusCode"], answer["headers"]["content-type"]), (200, "text/html; charset=utf-8"))
        self.assertIn('<div id="root">', answer["body"])

    def test_7_sample_of_the_persister(self):
        # Last: its sequence numbers are those of Kinesis, after all of the stand-in, so nothing of this shard is in flight from here on.
        self.assertEqual(self.invoke("PersisterFunction", "persister-kinesis"), {"batchItemFailures": []})
        listed = self.s3.list_objects_v2(Bucket=NAME, Prefix="segments/")
        self.assertGreater(listed["KeyCount"], 0)


if __name__ == "__main__":
    unittest.main(verbosity=2)
