#!/usr/bin/env python3
"""Measures `trawl local` on one gigabyte of realistic logs: CPU and memory from push to
compacted segments, acknowledgement latency, bytes on disk, and search latency while pushing.

Server CPU and memory come from /proc of the server process, so that clients do not count.
Sizes are decimal (1 MB = 10^6 bytes). Needs Linux and Python 3, nothing else.

  benches/local.py [--trawl PATH] [--logs FILE.ndjson] [--data-dir DIR] [--keep]

Without --logs the data is made from ../shared/data by its own scale_logs.py (about two minutes)
and kept in the temporary directory for the next run.
"""
import argparse
import http.client
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TICKS = os.sysconf("SC_CLK_TCK")
RAW_BYTES = 1_000_000_000
SEED = 20260302


def make_logs(target):
    """The data set: 1 GB, 2.96 million events over 24 hours."""
    shared = ROOT.parent / "shared" / "data"
    if not shared.is_dir():
        sys.exit(f"{shared} is not there: give the logs with --logs FILE.ndjson")
    print(f"making {target} (about two minutes)", file=sys.stderr)
    with tempfile.TemporaryDirectory() as real:
        for source in sorted(shared.glob("*.zst")):
            subprocess.run(["zstd", "-dq", source, "-o", Path(real) / source.stem], check=True)
        script = [sys.executable, shared / "scale_logs.py", "--in", real, "--out", f"{target}.part"]
        subprocess.run([*script, "--bytes", str(RAW_BYTES), "--seed", str(SEED)], check=True, stdout=subprocess.DEVNULL)
    os.rename(f"{target}.part", target)


class Server:
    """A `trawl local` process and what the kernel says of it."""

    def __init__(self, trawl, data):
        command = [trawl, "local", "--data", data, "--listen", "127.0.0.1:0"]
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env={**os.environ, "NO_COLOR": "1"})
        for line in self.process.stderr:
            if "http://" in line:
                self.address = line.split("http://")[1].split()[0].strip()
                break
        else:
            sys.exit("the server did not start")
        threading.Thread(target=lambda: [print(line, end="", file=sys.stderr) for line in self.process.stderr], daemon=True).start()

    def cpu_seconds(self):
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def peak_memory_mb(self):
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmHWM"):
                return int(line.split()[1]) * 1024 / 1e6

    def request(self, method, path, body=None, headers=None):
        connection = http.client.HTTPConnection(self.address, timeout=600)
        try:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            content = answer.read()
            if answer.status >= 300:
                sys.exit(f"{method} {path}: {answer.status} {content[:300]!r}")
            return json.loads(content)
        finally:
            connection.close()

    def status(self):
        return self.request("GET", "/v1/status")

    def search(self, query, **request):
        """Runs a search to its end: seconds and the last answer."""
        start = time.perf_counter()
        created = self.request("POST", "/v1/searches", json.dumps({"query": query, **request}))
        cursor = ""
        while True:
            answer = self.request("GET", f"/v1/searches/{created['id']}?wait=10s{cursor}")
            if answer["status"] != "running":
                return time.perf_counter() - start, answer
            cursor = f"&cursor={answer['next_cursor']}" if answer["next_cursor"] else ""

    def stop(self):
        self.process.terminate()
        self.process.wait()


def wait_until_persisted(server):
    while server.status()["tail_events"]:
        time.sleep(0.2)


def tree_bytes(path):
    return sum(file.stat().st_size for file in Path(path).rglob("*") if file.is_file())


def batches(logs, size, most):
    """Requests of about `size` bytes of whole lines from the middle of the file."""
    with open(logs, "rb") as file:
        file.seek(os.path.getsize(logs) // 2)
        file.readline()
        for _ in range(most):
            yield file.read(size) + file.readline()


def measure(args, logs, data):
    figures = {}
    server = Server(args.trawl, data)
    idle = server.cpu_seconds()
    push = [args.trawl, "push", logs, "--url", f"http://{server.address}"]
    latencies = []
    start = time.perf_counter()
    pushing = subprocess.Popen(push, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    # Searches over what arrives right now run beside the push, twice a second.
    while pushing.poll() is None:
        time.sleep(0.5)
        oldest = server.request("GET", "/v1/health") and "error"
        took, answer = server.search(oldest, limit=100)
        if pushing.poll() is None and answer["status"] == "complete":
            latencies.append(took * 1000)
    if pushing.returncode:
        sys.exit("push failed")
    figures["push, wall s"] = time.perf_counter() - start
    wait_until_persisted(server)
    figures["push to persisted, server CPU s"] = server.cpu_seconds() - idle
    figures["push to persisted, peak memory MB"] = server.peak_memory_mb()
    status = server.status()
    figures["events"] = status["events"]
    figures["segments before compaction"] = status["segments"]
    figures["stored before compaction MB"] = status["stored_bytes"] / 1e6
    if latencies:
        figures["search of newest 100 while pushing, median ms"] = statistics.median(latencies)
        figures["search of newest 100 while pushing, worst ms"] = max(latencies)
    before = server.cpu_seconds()
    server.request("POST", "/v1/admin/compact")
    figures["compaction, server CPU s"] = server.cpu_seconds() - before
    figures["peak memory MB, compaction included"] = server.peak_memory_mb()
    status = server.status()
    figures["segments after compaction"] = status["segments"]
    figures["stored after compaction MB"] = status["stored_bytes"] / 1e6
    acknowledged = []
    for body in batches(logs, 1_000_000, 40):
        start = time.perf_counter()
        server.request("POST", "/v1/events", body)
        acknowledged.append((time.perf_counter() - start) * 1000)
    figures["acknowledgement of 1 MB, median ms"] = statistics.median(acknowledged)
    figures["acknowledgement of 1 MB, worst ms"] = max(acknowledged)
    server.stop()
    return figures


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trawl", default=ROOT / "target" / "quick" / "trawl", help="the command to measure")
    parser.add_argument("--logs", help="NDJSON to push")
    parser.add_argument("--data-dir", help="where the server keeps its data (default: a temporary directory)")
    parser.add_argument("--keep", action="store_true", help="leave the server's data behind")
    args = parser.parse_args()
    logs = args.logs or os.path.join(tempfile.gettempdir(), "trawl-bench-1gb.ndjson")
    if not os.path.exists(logs):
        make_logs(logs)
    data = args.data_dir or tempfile.mkdtemp(prefix="trawl-bench-")
    try:
        figures = measure(args, logs, data)
    finally:
        if not args.keep:
            shutil.rmtree(data, ignore_errors=True)
    width = max(map(len, figures))
    for name, value in figures.items():
        print(f"{name:<{width}}  {value:>12,.2f}" if isinstance(value, float) else f"{name:<{width}}  {value:>12,}")


if __name__ == "__main__":
    main()
