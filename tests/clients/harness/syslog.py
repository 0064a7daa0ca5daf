"""Lines of syslog, of real events, and daemons that read them from a socket."""

import re
import signal
import socket
import tempfile
from pathlib import Path

from . import data
from .moments import ns, rfc_3339
from .programs import DAEMONS, background
from .wait import until

# RFC 5424, 6.2.1: facility 4 is for security, and severities go from 0, the worst, to 7.
FACILITY = 4
SEVERITIES = {"FATAL": 2, "ERROR": 3, "WARN": 4, "INFO": 6, "DEBUG": 7, "TRACE": 7}
SEVERITY_NAMES = {2: "crit", 3: "err", 4: "warning", 6: "info", 7: "debug"}
# As Linux and its ssh daemon wrote them: Dec 10 06:55:46 LabSZ sshd[24200]: Invalid user webmaster
WRITTEN = re.compile(r"(?P<time>\w{3} [ \d]\d \d\d:\d\d:\d\d) (?P<host>\S+) (?P<program>[^\s:\[]+)(?:\[(?P<pid>\d+)\])?: ?(?P<text>.*)", re.DOTALL)


class Message:
    """An event as syslog has it."""

    def __init__(self, event):
        found = WRITTEN.fullmatch(event["message"])
        # What was not written by syslog is put into its form.
        parts = found.groupdict() if found else {"host": "host-1", "program": event["service"], "pid": None, "text": event["message"]}
        self.host, self.program, self.pid = parts["host"], parts["program"], parts["pid"]
        self.text = f"{' '.join(parts['text'].split())} #{event['n']}"
        self.number = event["n"]
        self.timestamp = rfc_3339(ns(event["timestamp"]) // 1000 * 1000)
        self.severity = SEVERITIES[event["level"]]
        self.priority = FACILITY * 8 + self.severity

    def rfc_5424(self):
        # Microseconds are the finest.
        return f"<{self.priority}>1 {self.timestamp[:26]}Z {self.host} {self.program} {self.pid or '-'} - - {self.text}"


def messages(count=data.COUNT):
    return [Message(event) for event in data.events(count, data.SYSLOG)]


class Daemon:
    """rsyslogd or syslog-ng with a configuration and a directory of its own, reading lines from a socket."""

    def __init__(self, name, command, libraries, configuration):
        self.name = name
        self.directory = tempfile.TemporaryDirectory(prefix=f"trawl-{name}-")
        here = Path(self.directory.name)
        self.socket, self.log = here / "socket", here / "log"
        file = here / "configuration"
        file.write_text(configuration.replace("@DIRECTORY@", str(here)))
        root = DAEMONS / name
        command = [part.replace("@ROOT@", str(root)).replace("@DIRECTORY@", str(here)).replace("@FILE@", str(file)) for part in command]
        path = ":".join(str(root / library) for library in libraries)
        assert (root / "usr/sbin").is_dir(), f"{root} is not there: `make clients-tools` unpacks it"
        self.process = background(command, self.log, LD_LIBRARY_PATH=path)
        until(f"{name} listens", lambda: self.is_running() and self.socket.exists())

    def is_running(self):
        assert self.process.poll() is None, f"{self.name} ended: {self.said()}"
        return True

    def said(self):
        return self.log.read_text(errors="replace")[-3000:]

    def send(self, lines):
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(str(self.socket))
            connection.sendall(b"".join(line.encode() + b"\n" for line in lines))

    def finish(self, server, count):
        """Waits until the server has so many events, then ends it as a shutdown does: it sends what it has left."""
        try:
            until(f"{count} lines are found", lambda: self.is_running() and server.has(count), seconds=300, every=1)
        except AssertionError as error:
            raise AssertionError(f"{error}; {self.name} said: {self.said()}") from error
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(60)

    def close(self):
        self.process.kill()
        self.process.wait()
        self.directory.cleanup()
