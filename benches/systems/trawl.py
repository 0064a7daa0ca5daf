"""Trawl: its embedded server, asked over HTTP. CPU is that of the server process, of all its threads."""
import http.client
import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

from ..data import timestamp_ns
from . import CannotRun, Outcome

# What the server does after its answer (such as dropping buffers) counts too.
SETTLE_S = 0.03


class Server:
    """A `trawl local` process and what the kernel says of it."""

    def __init__(self, trawl, data, *options):
        command = [trawl, "local", "--data", data, "--listen", "127.0.0.1:0", *options]
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env={**os.environ, "NO_COLOR": "1"})
        for line in self.process.stderr:
            if "http://" in line:
                self.address = line.split("http://")[1].split()[0].strip()
                break
        else:
            sys.exit("the server did not start")
        threading.Thread(target=self.pass_log_on, daemon=True).start()

    def pass_log_on(self):
        for line in self.process.stderr:
            print(line, end="", file=sys.stderr)

    def cpu_seconds(self):
        """To the nanosecond, threads that have ended included: clock_getcpuclockid(3)."""
        return time.clock_gettime((~self.process.pid << 3) | 2)

    def peak_memory_bytes(self):
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmHWM"):
                return int(line.split()[1]) * 1024

    def request(self, method, path, body=None, headers=None):
        connection = http.client.HTTPConnection(self.address, timeout=600)
        try:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            content = answer.read()
        finally:
            connection.close()
        if answer.status >= 300:
            raise CannotRun(f"{method} {path}: {answer.status} {content[:200]!r}")
        return json.loads(content)

    def status(self):
        return self.request("GET", "/v1/status")

    def search(self, query, **request):
        """Runs a search to its last page: the last answer, and the events of all pages."""
        created = self.request("POST", "/v1/searches", json.dumps({"query": query, **request}))
        events = []
        cursor = ""
        while True:
            answer = self.request("GET", f"/v1/searches/{created['id']}?wait=10s{cursor}")
            events += answer["events"]
            if answer["next_cursor"]:
                cursor = f"&cursor={answer['next_cursor']}"
            elif answer["status"] != "running":
                return answer, events

    def stop(self):
        self.process.terminate()
        self.process.wait()


class Trawl:
    name, title = "trawl", "Trawl"

    def __init__(self, command, directory):
        self.command, self.directory = str(command), str(directory)
        self.server = None

    def version(self):
        return subprocess.check_output([self.command, "--version"], text=True).split()[-1]

    def open(self):
        if self.server is None:
            self.server = Server(self.command, self.directory)

    def run(self, query):
        request = {"limit": query.limit} if query.kind == "events" else {}
        if query.hours:
            request |= {"from": f"{query.hours[0]}Z", "to": f"{query.hours[1]}Z"}
        begun_cpu, begun = self.server.cpu_seconds(), time.perf_counter()
        answer, events = self.server.search(query.trawl, **request)
        wall_s = time.perf_counter() - begun
        time.sleep(SETTLE_S)
        cpu_s = self.server.cpu_seconds() - begun_cpu
        if answer["status"] != "complete":
            raise CannotRun(f"{answer['status']}: {answer.get('error') or answer['missing']}")
        details = {**answer["progress"], **answer["cost"]}
        return Outcome(rows(query, answer, events), cpu_s, wall_s, details)

    def spelling(self, query):
        return query.trawl

    def close(self):
        if self.server is not None:
            self.server.stop()
            self.server = None


def rows(query, answer, events):
    match query.kind:
        case "events":
            return [[timestamp_ns(event["timestamp"]), event] for event in events]
        case "chart":
            return [[timestamp_ns(bucket), level, n] for bucket, level, n in answer["aggregates"]["rows"]]
        case _:
            return answer["aggregates"]["rows"]
