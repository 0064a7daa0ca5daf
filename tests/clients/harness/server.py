"""A `trawl local` of its own, reached by clients through a relay."""

import json
import pathlib
import re
import signal
import subprocess
import tempfile

from .programs import TRAWL, background, run
from .relay import Relay
from .wait import until

# Every event of a test, and more, in case there are too many.
LIMIT = 50_000
# How `trawl search` ends.
FOUND, NOTHING_FOUND, FAILED = 0, 1, 2


def has_keys():
    """Whether this server knows keys."""
    return subprocess.run([TRAWL, "key", "--help"], capture_output=True, check=False).returncode == 0


class Server:
    """A server with data of its own. Clients send to `url` with `key`, which is None where the server asks for none."""

    def __init__(self):
        self.directory = tempfile.TemporaryDirectory(prefix="trawl-clients-")
        self.data = pathlib.Path(self.directory.name, "data")
        self.address, self.process, self.starts = "127.0.0.1:0", None, 0
        self.key = self.admin_key = None
        self.options = ["--flush-age", "500ms"]
        if has_keys():
            self.key, self.admin_key = self.make_key("client", "ingest"), self.make_key("all", "ingest,search,admin")
            self.options.append("--require-key")
        self.start()
        host, port = self.address.split(":")
        self.relay = Relay((host, int(port)))

    def make_key(self, name, scope):
        return run([TRAWL, "key", "create", "--data", str(self.data), "--name", name, "--scope", scope]).strip()

    @property
    def url(self):
        return self.relay.url

    @property
    def port(self):
        return self.relay.address[1]

    def start(self):
        """Starts on the same data; after the first time also on the same port."""
        self.starts += 1
        log = pathlib.Path(self.directory.name, f"server-{self.starts}.log")
        self.process = background([TRAWL, "local", "--data", str(self.data), "--listen", self.address, *self.options], log)

        def listening():
            said = log.read_text(errors="replace")
            assert self.process.poll() is None, f"trawl local ended: {said}"
            return re.search(r"listening on http://([0-9.:]+)", said)

        self.address = until("trawl local listens", listening)[1]

    def end(self, how):
        self.process.send_signal(how)
        self.process.wait(60)

    def restart_at(self, push, how=signal.SIGKILL, is_taken=True):
        """Ends the server and starts it again: once it has taken push number `push`, before its sender is told, or just before."""

        def restart():
            self.end(how)
            self.start()

        self.relay.lose(push, is_taken, restart)

    def search(self, query="*", allowed=(FOUND, NOTHING_FOUND)):
        """Runs a search; gives what it found."""
        command = [TRAWL, "search", query, "--url", f"http://{self.address}", "-o", "ndjson", "-q", "--limit", str(LIMIT)]
        return [json.loads(line) for line in run(command, allowed=allowed, **self.as_admin()).splitlines()]

    def has(self, count):
        """Whether so many events are there by now, or more. A server that is just away has none."""
        rows = self.search("* | stats count() as events", (FOUND, NOTHING_FOUND, FAILED))
        return bool(rows) and rows[0]["events"] >= count

    def push(self, events):
        """Sends events by Trawl's own client."""
        lines = "".join(json.dumps(event) + "\n" for event in events)
        run([TRAWL, "push", "--url", f"http://{self.address}", "-"], stdin=lines, **self.as_admin())

    def compact(self):
        run([TRAWL, "compact", "--url", f"http://{self.address}"], **self.as_admin())

    def as_admin(self):
        return {"TRAWL_API_KEY": self.admin_key} if self.admin_key else {}

    def stop(self):
        self.relay.close()
        self.end(signal.SIGKILL)
        self.directory.cleanup()
