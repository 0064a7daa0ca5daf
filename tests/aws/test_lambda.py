"""The small Lambda that the other tests stand on, against a scripted function under the real runtime API; and what
the real functions do about the 6 MB of a request or an answer."""

import json
import pathlib
import sys
import tempfile
import threading
import time
import unittest
import urllib.error
import urllib.request

from stack.functions import PAYLOAD_BYTES, FunctionError, Functions, Throttled, TooLarge
from stack.system import System, at_once, event
from stack.wait import until

SCRIPT = '''#!{python}
import json, os, time, urllib.request
api = "http://" + os.environ["AWS_LAMBDA_RUNTIME_API"] + "/2018-06-01/runtime/"
while True:
    with urllib.request.urlopen(api + "invocation/next") as call:
        request, asked = call.headers["Lambda-Runtime-Aws-Request-Id"], json.loads(call.read())
        left = int(call.headers["Lambda-Runtime-Deadline-Ms"]) / 1000 - time.time()
    what = asked.get("do")
    if what == "exit":
        os._exit(3)
    if what == "wait":
        while not os.path.exists(asked["for"]):
            time.sleep(0.01)
    kind = "error" if what == "error" else "response"
    answer = {{"errorType": "Oops", "errorMessage": "on purpose"}} if what == "error" else {{"pid": os.getpid(), "left": left}}
    if what == "large":
        answer["filler"] = "x" * asked["bytes"]
    body = json.dumps(answer).encode()
    urllib.request.urlopen(urllib.request.Request(api + "invocation/" + request + "/" + kind, body, method="POST")).close()
'''


class Lambda(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.directory = pathlib.Path(directory.name)
        script = self.directory / "scripted/bootstrap"
        script.parent.mkdir()
        script.write_text(SCRIPT.format(python=sys.executable))
        script.chmod(0o755)
        self.functions = Functions({}, others=4, binaries=self.directory)
        self.functions.timeouts["scripted"] = 20
        self.addCleanup(self.functions.close)

    def invoke(self, **asked):
        return json.loads(self.functions.invoke("scripted", json.dumps(asked).encode()))

    def test_an_environment_is_used_again_until_it_crashes(self):
        first = self.invoke()
        self.assertEqual(self.invoke()["pid"], first["pid"])
        self.assertTrue(15 < first["left"] <= 20, first)
        with self.assertRaisesRegex(FunctionError, "Runtime.ExitError"):
            self.invoke(do="exit")
        self.assertNotEqual(self.invoke()["pid"], first["pid"])

    def test_an_error_leaves_the_environment_as_it_is(self):
        first = self.invoke()
        with self.assertRaisesRegex(FunctionError, "Oops"):
            self.invoke(do="error")
        self.assertEqual(self.invoke()["pid"], first["pid"])

    def test_invocations_at_once_have_an_environment_each_and_one_more_is_throttled(self):
        go = self.directory / "go"
        answers, threads = [], []
        for _ in range(4):
            thread = threading.Thread(target=lambda: answers.append(self.invoke(do="wait", **{"for": str(go)})))
            thread.start()
            threads.append(thread)
        until("four run", lambda: self.functions.counted("scripted") == 4)
        with self.assertRaises(Throttled):
            self.invoke()
        go.touch()
        for thread in threads:
            thread.join()
        self.assertEqual(len({answer["pid"] for answer in answers}), 4)
        self.assertIn(self.invoke()["pid"], {answer["pid"] for answer in answers})

    def test_what_takes_too_long_is_ended(self):
        self.functions.timeouts["scripted"] = 1.5
        began = time.monotonic()
        with self.assertRaisesRegex(FunctionError, "timed out after 1.50 seconds"):
            self.invoke(do="wait", **{"for": "/nowhere"})
        self.assertLess(time.monotonic() - began, 10)
        self.functions.timeouts["scripted"] = 20
        self.invoke()

    def test_a_killed_invocation_fails_and_is_not_answered(self):
        self.functions.fault = lambda *_: ("kill", 0.3)
        with self.assertRaisesRegex(FunctionError, "Runtime.ExitError"):
            self.invoke(do="wait", **{"for": "/nowhere"})

    def test_no_more_than_six_megabytes_go_in_or_out(self):
        self.assertGreater(len(self.functions.invoke("scripted", json.dumps({"do": "large", "bytes": PAYLOAD_BYTES - 1000}).encode())), 6_000_000)
        with self.assertRaisesRegex(FunctionError, "ResponseSizeTooLarge"):
            self.invoke(do="large", bytes=PAYLOAD_BYTES)
        with self.assertRaises(TooLarge):
            self.invoke(filler="x" * PAYLOAD_BYTES)
        with self.assertRaises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(f"{self.functions.url}/2015-03-31/functions/scripted/invocations", b" " * (PAYLOAD_BYTES + 1))
        self.assertEqual(refused.exception.code, 413)
        refused.exception.close()

    def test_an_asynchronous_invocation_is_tried_three_times(self):
        url = f"{self.functions.url}/2015-03-31/functions/scripted/invocations"
        request = urllib.request.Request(url, b'{"do":"error"}', {"X-Amz-Invocation-Type": "Event"}, method="POST")
        with urllib.request.urlopen(request) as answer:
            self.assertEqual((answer.status, answer.read()), (202, b""))
        until("three attempts", lambda: self.functions.counted("scripted", "failed") == 3, 30)


class Large(unittest.TestCase):
    def test_an_aggregate_that_is_larger_than_an_answer_goes_over_s3(self):
        system = System(maps=False, shards=1)
        self.addCleanup(system.close)
        pad = "long-name-of-a-host-" * 5
        at_once([lambda n=n: system.push([event(k, host=f"{pad}{k}") for k in range(n, n + 5000)], compress=True) for n in range(0, 60_000, 5000)])
        system.push([event(k, host="twice") for k in range(60_000, 60_002)])
        invoke, over_s3 = system.functions.invoke, []

        def watch(name, payload):
            answer = invoke(name, payload)
            if name == "scan-worker" and answer.startswith(b'{"result_key"'):
                over_s3.append(json.loads(answer)["result_key"])
            return answer

        system.functions.invoke = watch
        # 60,000 groups of 120 bytes are more than the 6 MB of an answer, and the table is small.
        found = system.search("* | top 1 host")
        self.assertEqual((found["status"], found["aggregates"] and found["aggregates"]["rows"]), ("complete", [["twice", 2]]), found)
        self.assertTrue(over_s3, "the result fitted an answer")
        self.assertEqual(system.objects("results/"), [], "what was read is removed")


if __name__ == "__main__":
    unittest.main(verbosity=2)
