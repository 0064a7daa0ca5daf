"""What it costs the server to ask who sends a request: many small ones over a connection each to a server that
asks for nothing, one that asks for a key, and the same with a token of an OpenID provider. All three run at once and
take turns."""
import shutil
import socket
import statistics
import subprocess
import time

from ..systems.trawl import SETTLE_S, Server
from .provider import Provider

# A cheap route that asks for a scope: it reads a query of one word and runs nothing.
ROUTE = "POST /v1/queries/parse"
BODY = b'{"query":"error"}'
WARM_UP_REQUESTS = 2_000
ROUNDS = 61
REQUESTS_PER_ROUND = 500
LIMIT_US = 20
NOTHING, KEY, TOKEN = "nothing", "API key", "token (JWT, ES256)"
AUDIENCE = "trawl"


class Connection:
    """One connection that is kept, and the same request again and again, without a client library: it would cost more
    than the server."""

    def __init__(self, address, credential):
        host, port = address.split(":")
        self.socket = socket.create_connection((host, int(port)))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        lines = [f"{ROUTE} HTTP/1.1", f"Host: {address}", "Content-Type: application/json", f"Content-Length: {len(BODY)}"]
        if credential:
            lines.append(f"Authorization: Bearer {credential}")
        self.request = "\r\n".join(lines).encode() + b"\r\n\r\n" + BODY

    def send(self, times):
        for _ in range(times):
            self.socket.sendall(self.request)
            answer = b""
            while not answer.endswith(b"}"):  # every answer is an object
                received = self.socket.recv(65536)
                if not received:
                    raise ConnectionError("the server hung up")
                answer += received
            if not answer.startswith(b"HTTP/1.1 200 "):
                raise ConnectionError(f"not let in: {answer[:300]!r}")


def create_key(trawl, directory):
    command = [trawl, "key", "create", "--data", directory, "--name", "bench", "--scope", "ingest", "--scope", "search"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def measure(trawl, work):
    """CPU µs of the server for each request, a figure for each round, by what was asked for."""
    key = create_key(trawl, work / "key")
    servers = {}
    figures = {}
    with Provider(AUDIENCE) as provider:
        try:
            servers[NOTHING] = Server(trawl, work / "nothing")
            servers[KEY] = Server(trawl, work / "key", "--require-key")
            tokens = ("--require-key", "--oidc-issuer", provider.issuer, "--oidc-audience", AUDIENCE)
            servers[TOKEN] = Server(trawl, work / "token", *tokens)
            credentials = {KEY: key, TOKEN: provider.token("trawl:search")}
            connections = {asked: Connection(server.address, credentials.get(asked)) for asked, server in servers.items()}
            for connection in connections.values():
                connection.send(WARM_UP_REQUESTS)
            for _ in range(ROUNDS):
                for asked, server in servers.items():
                    begun = server.cpu_seconds()
                    connections[asked].send(REQUESTS_PER_ROUND)
                    time.sleep(SETTLE_S)
                    figures.setdefault(asked, []).append((server.cpu_seconds() - begun) / REQUESTS_PER_ROUND * 1e6)
        finally:
            for server in servers.values():
                server.stop()
            for name in ("nothing", "key", "token"):
                shutil.rmtree(work / name, ignore_errors=True)
    return figures


def overheads_us(figures):
    """By what is asked for, the median difference to the server that asks for nothing, of each round."""
    return {
        asked: statistics.median(with_it - without for with_it, without in zip(found, figures[NOTHING]))
        for asked, found in figures.items()
        if asked != NOTHING
    }
