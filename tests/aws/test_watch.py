"""`cargo lambda invoke` with each sample event, against the functions under cargo-lambda's own runtime API."""

import base64
import json
import os
import pathlib
import subprocess
import sys
import unittest

from stack import stand_ins
from stack.stand_ins import ROOT
from stack.wait import until
from watch import Watch


class Samples(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.watch = Watch(stand_ins.free_port(), built=True)

    def invoke(self, function, sample=None, event=None):
        """Invokes a function; gives its answer."""
        command = [stand_ins.tool("cargo-lambda"), "lambda", "invoke", function, "--invoke-address", "127.0.0.1", "--invoke-port", str(self.watch.port)]
        command += ["--data-file", str(ROOT / "events" / sample)] if sample else ["--data-ascii", json.dumps(event)]
        environment = {**os.environ, "PATH": f"{pathlib.Path(sys.executable).parent}:{os.environ['PATH']}"}
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120)
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)

    def body(self, answer):
        body = answer["body"]
        return json.loads(base64.b64decode(body) if answer.get("isBase64Encoded") else body)

    def test_each_sample(self):
        accepted = 0
        for sample in ("ingest-json.json", "ingest-gzip.json"):
            answer = self.invoke("ingest", sample)
            self.assertEqual(answer["statusCode"], 202, answer)
            accepted += self.body(answer)["accepted"]
        self.assertEqual(self.invoke("coordinator", "coordinator-search.json")["statusCode"], 202)
        ask = json.loads((ROOT / "events/coordinator-search.json").read_text())
        created = self.invoke("coordinator", event={**ask, "body": '{"query":"*"}'})
        self.assertEqual(created["statusCode"], 202, created)
        poll = json.loads((ROOT / "events/coordinator-results.json").read_text())
        poll["rawPath"] = poll["requestContext"]["http"]["path"] = f"/v1/searches/{self.body(created)['id']}"

        def results():
            answer = self.body(self.invoke("coordinator", event=poll))
            return answer["status"] == "complete" and answer["events"]

        self.assertEqual(len(until("the search is complete", results, 60)), accepted)
        self.assertEqual(self.invoke("coordinator", "coordinator-results.json")["statusCode"], 404)
        self.assertIsNone(self.invoke("coordinator", "coordinator-run.json"))
        self.assertIn("result", self.invoke("scan-worker", "scan-worker-task.json"))
        self.assertEqual(self.invoke("persister", "persister-kinesis.json"), {"batchItemFailures": []})
        self.assertIsNone(self.invoke("compactor", "compactor-schedule.json"))
        self.assertEqual(self.invoke("web", "web-page.json")["statusCode"], 200)


if __name__ == "__main__":
    unittest.main(verbosity=2)
