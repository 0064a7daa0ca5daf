"""Real logs by the `trawl` command: the deployment gives what the embedded mode gives. `make aws-test` runs this."""

import json
import os
import pathlib
import subprocess
import tempfile
import unittest

from stack import stand_ins
from stack.deployment import Deployment
from stack.proxy import Proxy
from stack.stand_ins import ROOT, TARGET, Service
from stack.system import KEY

TRAWL = os.environ.get("TRAWL_BIN") or str(TARGET / "quick/trawl")
LOGS = ROOT.parent / "shared/data"
# Other tests of this deployment push events that have a field `n`.
ONLY_THESE = "-n:*"
QUERIES = [
    "* | stats count()", "error", '"session opened"', "timed out", "*blk_38*", r"/blk_-?\d+77\b/", r"/for (invalid )?user \w+/", "nothing_has_this_word", "level:>=warn | stats count() by level",
    "* | stats count() by service", "level:error -timeout", "* | top 10 service", "request_id:* | stats count()",
]


def trawl(*arguments, url, stdin=None):
    """Runs the command; gives what it printed."""
    done = subprocess.run([TRAWL, *arguments], env={**os.environ, "TRAWL_URL": url, "TRAWL_API_KEY": KEY}, capture_output=True, text=True, input=stdin)
    # 1: nothing was found.
    assert done.returncode == 0 or (done.returncode == 1 and arguments[0] == "search"), (arguments, done.stderr)
    return done.stdout


class RealLogs(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.stack = Deployment.shared()
        proxy = Proxy(cls.stack.url, host=f"{cls.stack.outputs['ApiId']}.execute-api.localhost")
        cls.addClassCleanup(proxy.close)
        data, port = tempfile.TemporaryDirectory(), stand_ins.free_port()
        cls.addClassCleanup(data.cleanup)
        local = Service("local", [TRAWL, "local", "--listen", f"127.0.0.1:{port}", "--data", data.name, "--max-event-age", "none"], port=port, ready="/v1/health")
        cls.addClassCleanup(local.stop)
        cls.deployed, cls.local = proxy.url, local.url

    def files(self):
        files = sorted(map(str, LOGS.glob("loghub_*.zst"))) + [str(LOGS / name) for name in ("kafka.ndjson.zst", "nginxplus_status.ndjson.zst")]
        if all(map(os.path.exists, files)) and len(files) > 2:
            return files
        made = pathlib.Path(tempfile.mkdtemp(prefix="trawl-logs-"), "made.ndjson")
        made.write_text(trawl("simulate", "--stdout", "--rate", "500", "--seconds", "40", "--start", "2026-03-02T10:00:00Z", url=self.local))
        return [str(made)]

    def found(self, query, url):
        head, pipe, rest = query.partition(" | ")
        lines = trawl("search", f"({head}) {ONLY_THESE}{pipe}{rest}", "--limit", "100000", "-o", "ndjson", url=url).splitlines()
        return sorted(json.dumps(json.loads(line), sort_keys=True) for line in lines)

    def test_the_deployment_finds_what_the_embedded_mode_finds(self):
        files = self.files()
        for file in files:
            for url in (self.deployed, self.local):
                trawl("push", file, url=url)
        counts = []
        for state in ("in flight or persisted", "persisted"):
            for query in QUERIES:
                with self.subTest(query=query, state=state):
                    expected = self.found(query, self.local)
                    self.assertEqual(self.found(query, self.deployed), expected)
                    counts.append(len(expected))
            self.stack.wait_until_persisted()
        print(f"    {len(files)} files; results per query: {counts[:len(QUERIES)]}", flush=True)
        # Again: a file that is pushed twice adds nothing.
        trawl("push", files[0], url=self.deployed)
        self.assertEqual(self.found("* | stats count()", self.deployed), self.found("* | stats count()", self.local))


if __name__ == "__main__":
    unittest.main(verbosity=2)
