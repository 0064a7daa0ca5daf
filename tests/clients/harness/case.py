"""What the tests of all clients have in common."""

import signal
import time
import unittest

from .compare import complaints
from .server import Server


class ClientCase(unittest.TestCase):
    maxDiff = None

    def serve(self, restart_at, how=signal.SIGKILL):
        """A server that takes push number `restart_at`, is ended before it can say so, and starts again."""
        server = Server()
        self.addCleanup(server.stop)
        server.restart_at(restart_at, how)
        self.server, self.began = server, time.monotonic()
        return server

    def check(self, expected, number=lambda event: event.get("n")):
        """The server was restarted, and has each event once, as expected: as it came, and merged into segments."""
        lost = self.server.relay.lost_answer
        self.assertIsNotNone(lost, f"there was no restart: {self.server.relay.pushes} requests")
        self.assertRegex(lost, rb"^HTTP/1.1 20\d ", "the request whose answer was lost had not been taken")
        took = time.monotonic() - self.began
        for state in ("as it came", "compacted"):
            wrong = list(complaints(expected, self.server.search(), number))
            if wrong:
                self.fail(f"{state}: " + "\n".join(wrong))
            self.server.compact()
        print(f"    {len(expected)} events in {self.server.relay.pushes} requests, {took:.1f} s", flush=True)
