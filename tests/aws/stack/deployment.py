"""The real template, deployed by SAM on a stand-in for AWS, and a client of its API."""

import hashlib
import json
import time
import urllib.error
import urllib.request
import uuid

from . import sam, stand_ins
from .system import KEY
from .wait import until


class Deployment:
    """One stack, shared by the tests of a run."""

    _shared = None

    @classmethod
    def shared(cls):
        if cls._shared is None:
            cls._shared = cls()
        return cls._shared

    def __init__(self):
        sam.build()
        self.url = stand_ins.ministack({"AUTH":"true"}).url
        began = time.monotonic()
        parameters = {
            "Architecture": "x86_64", "EndpointUrl": self.url, "ApiKeySha256": hashlib.sha256(KEY.encode()).hexdigest(), "MaxEventAge": "none",
        }
        sam.sam(
            "deploy", "--template-file", str(sam.TEMPLATE), "--config-file", str(stand_ins.ROOT / "samconfig.toml"), "--stack-name", "trawl",
            "--no-confirm-changeset", "--parameter-overrides", *[f"{key}={value}" for key, value in parameters.items()],
            environment={"AWS_ENDPOINT_URL": self.url},
        )
        print(f"    sam deploy took {time.monotonic() - began:.0f} s", flush=True)
        stack = self.client("cloudformation").describe_stacks(StackName="trawl")["Stacks"][0]
        self.outputs = {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
        self.functions = self.client("lambda")
        self.make_up_for_the_stand_in()

    def make_up_for_the_stand_in(self):
        """Policies are enforced. ministack has no TLS, without which the buckets refuse all, and cannot tell the stream of a
        GetRecords, whose policies name it."""
        for output in ("BucketName", "UndeliveredBucketName"):
            self.client("s3").delete_bucket_policy(Bucket=self.outputs[output])
        statement = {"Effect": "Allow", "Action": "kinesis:GetRecords", "Resource": "*"}
        for output in ("CoordinatorFunctionName", "ScanWorkerFunctionName", "CompactorFunctionName"):
            role = self.functions.get_function_configuration(FunctionName=self.outputs[output])["Role"].rpartition("/")[2]
            policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
            self.client("iam").put_role_policy(RoleName=role, PolicyName="reads-any-stream", PolicyDocument=policy)

    def client(self, service):
        return stand_ins.client(service, self.url)

    def request(self, method, path, body=None, headers=None):
        """Gives status and body of the answer."""
        host = f"{self.outputs['ApiId']}.execute-api.localhost"
        headers = {"Host": host, "Authorization": f"Bearer {KEY}", "Content-Type": "application/json", **(headers or {})}
        request = urllib.request.Request(self.url + path, data=body, method=method, headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=120) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()

    def fetch(self, path, headers=None):
        """Gives body and headers, by their lower-case names, of what anybody may have."""
        headers = {"Host": f"{self.outputs['ApiId']}.execute-api.localhost", **(headers or {})}
        with urllib.request.urlopen(urllib.request.Request(self.url + path, headers=headers), timeout=120) as answer:
            return answer.read(), {name.lower(): value for name, value in answer.headers.items()}

    def push(self, events):
        """Pushes events until they are acknowledged, as a client does; gives how often the API had to be asked."""
        body = "\n".join(json.dumps(event) for event in events).encode()
        headers, asked = {"Idempotency-Key": str(uuid.uuid4())}, []

        def is_taken():
            status, answer = self.request("POST", "/v1/events", body, headers)
            asked.append(status)
            assert status in (202, 500, 503, 504), (status, answer)
            return status == 202

        until("events are acknowledged", is_taken, 120, 0.1)
        return len(asked)

    def create(self, query, **asked):
        """Creates a search; gives its id."""
        status, answer = self.request("POST", "/v1/searches", json.dumps({"query": query, "limit": 100_000, **asked}).encode())
        assert status == 202, (status, answer)
        return json.loads(answer)["id"]

    def pages(self, search, seconds=600):
        """Reads a search by its cursors to the end; gives the answers that had events, and the last."""
        pages, cursor, deadline = [], None, time.monotonic() + seconds
        while True:
            status, body = self.request("GET", f"/v1/searches/{search}?wait=2s" + (f"&cursor={cursor}" if cursor else ""))
            assert status == 200, (status, body)
            answer = json.loads(body)
            cursor = answer["next_cursor"]
            if answer["events"] or cursor is None:
                pages.append(answer)
            if cursor is None:
                return pages
            assert time.monotonic() < deadline, f"the search did not end in {seconds} s: {body[:300]}"

    def search(self, query, **asked):
        """Searches to the end; gives the last answer with the events of all pages."""
        pages = self.pages(self.create(query, **asked))
        return {**pages[-1], "events": [event for page in pages for event in page["events"]]}

    def status(self):
        return json.loads(self.request("GET", "/v1/status")[1])

    def wait_until_persisted(self):
        until("all events are in segments", lambda: self.status()["tail_events"] == 0, 120, 0.5)

    def set_variables(self, output, **variables):
        """Changes the environment of a function; gives what undoes that."""
        name = self.outputs[output]
        before = self.functions.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
        self.functions.update_function_configuration(FunctionName=name, Environment={"Variables": {**before, **variables}})
        return lambda: self.functions.update_function_configuration(FunctionName=name, Environment={"Variables": before})
