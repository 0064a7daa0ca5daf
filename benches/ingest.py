"""Ingest of Trawl: CPU and memory from push to compacted segments, what is stored, how fast a request is
acknowledged, and search latency while pushing.

CPU and memory are those of the server process, so that clients do not count. Sizes are decimal.
"""
import os
import statistics
import subprocess
import sys
import time

SEARCH_EVERY_S = 0.5
ACKNOWLEDGED_BYTES = 1_000_000
ACKNOWLEDGED_REQUESTS = 40


def push_and_compact(trawl, logs):
    """Figures by name, in the order in which they are shown."""
    server = trawl.server
    figures = {}
    idle = server.cpu_seconds()
    command = [trawl.command, "push", str(logs), "--url", f"http://{server.address}"]
    latencies = []
    begun = time.perf_counter()
    pushing = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while pushing.poll() is None:
        time.sleep(SEARCH_EVERY_S)
        search_begun = time.perf_counter()
        answer, _ = server.search("error", limit=100)
        if pushing.poll() is None and answer["status"] == "complete":
            latencies.append((time.perf_counter() - search_begun) * 1000)
    if pushing.returncode:
        sys.exit("push failed")
    figures["push, wall s"] = time.perf_counter() - begun
    while server.status()["tail_events"]:
        time.sleep(0.2)
    figures["push to persisted, server CPU s (a search twice a second included)"] = server.cpu_seconds() - idle
    figures["push to persisted, peak memory MB"] = server.peak_memory_bytes() / 1e6
    status = server.status()
    figures["segments before compaction"] = status["segments"]
    figures["stored before compaction, MB"] = status["stored_bytes"] / 1e6
    if latencies:
        figures["search of newest 100 while pushing, median ms"] = statistics.median(latencies)
        figures["search of newest 100 while pushing, worst ms"] = max(latencies)
    before = server.cpu_seconds()
    server.request("POST", "/v1/admin/compact")
    figures["compaction, server CPU s"] = server.cpu_seconds() - before
    figures["peak memory MB, compaction included"] = server.peak_memory_bytes() / 1e6
    status = server.status()
    figures["events"] = status["events"]
    figures["segments after compaction"] = status["segments"]
    figures["raw, MB"] = os.path.getsize(logs) / 1e6
    figures["stored after compaction, MB"] = status["stored_bytes"] / 1e6
    figures["stored after compaction, % of raw"] = 100 * status["stored_bytes"] / os.path.getsize(logs)
    figures["index, MB of what is stored"] = status["index_bytes"] / 1e6
    figures["index, % of what is stored"] = 100 * status["index_bytes"] / status["stored_bytes"]
    return figures


def acknowledgement(trawl, logs):
    """How long one request of 1 MB takes until it is durable. Adds events: measure it last."""
    latencies = []
    with open(logs, "rb") as file:
        file.seek(os.path.getsize(logs) // 2)
        file.readline()
        for _ in range(ACKNOWLEDGED_REQUESTS):
            body = file.read(ACKNOWLEDGED_BYTES) + file.readline()
            if not body:
                break
            begun = time.perf_counter()
            trawl.server.request("POST", "/v1/events", body)
            latencies.append((time.perf_counter() - begun) * 1000)
    return {
        "acknowledgement of 1 MB, median ms": statistics.median(latencies),
        "acknowledgement of 1 MB, worst ms": max(latencies),
    }
