"""A bootstrap that stands between the runtime API and the function: it delays invocations, dies over some, and notes all.

The directory `FAULTS` holds `plan.json`, read at each invocation, and `notes`, a line for each begin and end:
`{"crash_every": 3, "delay": 0.5, "gather": 50}`; who gathers waits, a minute at most, until so many have begun. https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
"""

import ctypes
import fcntl
import http.client
import http.server
import json
import os
import pathlib
import signal
import subprocess
import time

REAL = os.environ["AWS_LAMBDA_RUNTIME_API"]
FAULTS = pathlib.Path(os.environ["FAULTS"])
# https://man7.org/linux/man-pages/man2/PR_SET_PDEATHSIG.2const.html
PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None)


def counted(what, notes):
    notes.seek(0)
    return sum(line.startswith(what) for line in notes)


def note(what):
    """Notes what happened and when; gives the number of its kind."""
    with open(FAULTS / "notes", "a+") as notes:
        fcntl.flock(notes, fcntl.LOCK_EX)
        number = 1 + counted(what, notes)
        notes.write(f"{what} {time.time():.3f}\n")
    return number


def gather(enough):
    """Waits until so many invocations have begun."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with open(FAULTS / "notes") as notes:
            if counted("begin", notes) >= enough:
                return
        time.sleep(0.1)


class Between(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def hand_on(self, body=None):
        connection = http.client.HTTPConnection(REAL)
        headers = {key: value for key, value in self.headers.items() if key.lower() not in ("host", "connection", "transfer-encoding", "content-length")}
        connection.request(self.command, self.path, body, headers)
        answer = connection.getresponse()
        return answer.status, answer.getheaders(), answer.read()

    def answer(self, status, headers, body):
        self.send_response(status)
        for key, value in headers:
            if key.lower() not in ("connection", "transfer-encoding", "content-length", "date", "server"):
                self.send_header(key, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        answer = self.hand_on()
        plan, number = json.loads((FAULTS / "plan.json").read_text()), note("begin")
        gather(plan.get("gather", 0))
        time.sleep(plan.get("delay", 0))
        if plan.get("crash_every") and number % plan["crash_every"] == 0:
            note("crash")
            os._exit(1)
        self.answer(*answer)

    def do_POST(self):
        if self.headers.get("Content-Length"):
            body = self.rfile.read(int(self.headers["Content-Length"]))
        else:
            body = b""
            while size := int(self.rfile.readline().split(b";")[0], 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
        note("end")
        self.answer(*self.hand_on(body))


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Between)
subprocess.Popen(
    [str(pathlib.Path(__file__).parent / "function")], env={**os.environ, "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{server.server_port}"},
    preexec_fn=lambda: LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL),
)
server.serve_forever()
