"""Pushes prepared bodies to a fresh server, and takes the CPU that this cost it."""
import http.client
import shutil
import sys
import time
from dataclasses import dataclass

from ..systems.trawl import SETTLE_S, Server
from .variants import COMPRESSIONS

# Nothing is persisted while it is measured: only ingest and its log work.
ONLY_INGEST = ("--flush-age", "1d", "--flush-bytes", "100GiB")


@dataclass
class Pushed:
    cpu_s: float
    wall_s: float


@dataclass
class Bodies:
    sent: list  # as they go over the wire, one for each request
    decoded_bytes: int

    @property
    def sent_bytes(self):
        return sum(map(len, self.sent))


def prepare(variants, requests):
    """The bodies of each variant. Each protocol encodes once."""
    prepared = {}
    for protocol in dict.fromkeys(variant.protocol for variant in variants):
        encoded = [protocol.encode(events) for events in requests]
        size = sum(map(len, encoded))
        for variant in variants:
            if variant.protocol is protocol:
                prepared[variant] = Bodies([COMPRESSIONS[variant.compression](body) for body in encoded], size)
    return prepared


def push(trawl, directory, variant, bodies, event_count):
    """Sends the bodies over one connection. Ends the program when not every event is there afterwards."""
    server = Server(trawl, directory, *ONLY_INGEST)
    try:
        server.status()
        connection = http.client.HTTPConnection(server.address, timeout=600)
        begun_cpu, begun = server.cpu_seconds(), time.perf_counter()
        for body in bodies.sent:
            connection.request("POST", variant.protocol.path, body, variant.headers())
            answer = connection.getresponse()
            content = answer.read()
            if answer.status >= 300:
                sys.exit(f"{variant.protocol.title}: {answer.status} {content[:300]!r}")
        wall_s = time.perf_counter() - begun
        time.sleep(SETTLE_S)
        cpu_s = server.cpu_seconds() - begun_cpu
        connection.close()
        status = server.status()
        if (status["tail_events"], status["segments"]) != (event_count, 0):
            sys.exit(f"{variant.protocol.title}, {variant.compression}: sent {event_count} events, stored: {status}")
    finally:
        server.stop()
        shutil.rmtree(directory, ignore_errors=True)
    return Pushed(cpu_s, wall_s)
