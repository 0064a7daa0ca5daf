"""What the tests of all clients have in common."""

import signal
import time
import unittest

from .compare import complaints
from .server import Server


class ClientCase(unittest.TestCase):
    maxDiff = None

    def serve(self, restart_at, how=signal.SIGKILL, is_taken=True):
        """A server that takes push number `restart_at`, is ended before it can say so, and starts again; or that is ended just before."""
        server = Server()
        self.addCleanup(server.stop)
        server.restart_at(restart_at, how, is_taken)
        self.server, self.began = server, time.monotonic()
        return server

    def check(self, expected, number=lambda event: event.get("n")):
        """The server was restarted, and has each event once, as expected: as it came, and merged into segments."""
        relay = self.server.relay
        self.assertIsNotNone(relay.lost, f"there was no restart: {relay.pushes} requests")
        if relay.is_taken:
            self.assertRegex(relay.lost, rb"^HTTP/1.1 20\d ", "the request whose answer was lost had not been taken")
        took = time.monotonic() - self.began
        for state in ("as it came", "compacted"):
            wrong = list(complaints(expected, self.server.search(), number))
            if wrong:
                self.fail(f"{state}: " + "\n".join(wrong))
            self.server.compact()
        print(f"    {len(expected)} events in {relay.pushes} requests, {took:.1f} s", flush=True)
