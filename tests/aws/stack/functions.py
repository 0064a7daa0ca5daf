"""A small Lambda: real function binaries as processes under the real runtime API.

Every environment is a process with a runtime API of its own on a port, runs one invocation at a time, and is used
again until it crashes, runs out of time or is killed. https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
"""

import http.server
import json
import os
import queue
import random
import subprocess
import sys
import threading
import time
import uuid

from .stand_ins import CREDENTIALS, LOGS, TARGET

# Bytes of a request or an answer: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
PAYLOAD_BYTES = 6 * 1024 * 1024


class Throttled(Exception):
    """429: no more invocations at once."""


class TooLarge(Exception):
    """413: the request has more bytes than Lambda takes."""


class FunctionError(Exception):
    """The function answered with an error, crashed or ran out of time."""


class QuietServer(http.server.ThreadingHTTPServer):
    """A server for callers that are killed: that one of them is gone is no news."""

    daemon_threads = True
    request_queue_size = 256

    def handle_error(self, request, client_address):
        if not isinstance(sys.exc_info()[1], (BrokenPipeError, ConnectionResetError)):
            super().handle_error(request, client_address)


class Environment:
    """One process of a function."""

    def __init__(self, name, environment, memory_mb, binaries):
        self.name = name
        self.work, self.results = queue.Queue(), queue.Queue()
        self.is_dead = False
        outer = self

        class Api(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def answer(self, status, body=b"", headers=()):
                self.send_response(status)
                for key, value in headers:
                    self.send_header(key, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def do_GET(self):
                work = outer.work.get()
                if work is None:
                    # The process was ended: there is nobody to answer.
                    self.close_connection = True
                    return None
                request, deadline_ms, payload = work
                self.answer(200, payload, [
                    ("Lambda-Runtime-Aws-Request-Id", request),
                    ("Lambda-Runtime-Deadline-Ms", str(deadline_ms)),
                    ("Lambda-Runtime-Invoked-Function-Arn", f"arn:aws:lambda:us-east-1:000000000000:function:{name}"),
                    ("Lambda-Runtime-Trace-Id", "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=0"),
                    ("Content-Type", "application/json"),
                ])

            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                if not self.headers.get("Content-Length"):
                    body = self.read_chunks()
                kind = "response" if self.path.endswith("/response") else "error"
                if kind == "response" and len(body) > PAYLOAD_BYTES:
                    kind, body = "error", b'{"errorType":"Function.ResponseSizeTooLarge","errorMessage":"Response payload size exceeded maximum allowed payload size (6291556 bytes)."}'
                outer.results.put((kind, body))
                self.answer(202, b"{}")

            def read_chunks(self):
                body = b""
                while size := int(self.rfile.readline().split(b";")[0], 16):
                    body += self.rfile.read(size)
                    self.rfile.readline()
                self.rfile.readline()
                return body

        self.server = QuietServer(("127.0.0.1", 0), Api)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        LOGS.mkdir(parents=True, exist_ok=True)
        with open(LOGS / f"function-{name}.log", "ab") as log:
            self.process = subprocess.Popen(
                [str(binaries / name / "bootstrap")], stdout=log, stderr=subprocess.STDOUT,
                env={
                    "PATH": os.environ["PATH"], **CREDENTIALS, **environment,
                    "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{self.server.server_port}",
                    "AWS_LAMBDA_FUNCTION_NAME": name, "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
                    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(memory_mb), "AWS_LAMBDA_LOG_GROUP_NAME": name, "AWS_LAMBDA_LOG_STREAM_NAME": "test",
                },
            )

    def invoke(self, payload, timeout, kill_after=None):
        """Runs one invocation; `kill_after` seconds into it the process is killed."""
        deadline = time.monotonic() + timeout
        self.work.put((str(uuid.uuid4()), int((time.time() + timeout) * 1000), payload))
        kill_at = None if kill_after is None else time.monotonic() + kill_after
        while True:
            try:
                kind, body = self.results.get(timeout=0.01)
            except queue.Empty:
                if kill_at is not None and time.monotonic() >= kill_at:
                    self.process.kill()
                    kill_at = None
                if self.process.poll() is not None:
                    self.close()
                    raise FunctionError(json.dumps({"errorType": "Runtime.ExitError", "errorMessage": "Error: Runtime exited"}))
                if time.monotonic() > deadline:
                    self.close()
                    raise FunctionError(json.dumps({"errorType": "Sandbox.Timedout", "errorMessage": f"Task timed out after {timeout:.2f} seconds"}))
                continue
            if kind == "error":
                raise FunctionError(body.decode(errors="replace"))
            return body

    def close(self):
        self.is_dead = True
        self.process.kill()
        self.process.wait()
        self.work.put(None)
        self.server.shutdown()
        self.server.server_close()


class Functions:
    """Functions by name, and the Invoke API in front of them.

    `fault(name, payload)` is asked before each invocation: `None`, or a tuple of what goes wrong: ("throttle",),
    ("fail",), ("kill", seconds), ("delay", seconds).
    """

    def __init__(self, environment, concurrency=64, others=256, binaries=TARGET / "lambda"):
        self.environment, self.binaries = environment, binaries
        # Invocations at once: of scan workers, and of each other function.
        self.concurrency, self.others = concurrency, others
        self.timeouts = {"ingest": 29, "persister": 300, "coordinator": 900, "scan-worker": 120, "compactor": 900}
        self.fault = lambda _name, _payload: None
        self.counts = {}
        self.lock = threading.Lock()
        self.idle, self.running = {}, {}
        self.is_closed = False
        outer = self

        class Api(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def answer(self, status, body, headers=()):
                self.send_response(status)
                for key, value in headers:
                    self.send_header(key, value)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def do_POST(self):
                payload = self.rfile.read(int(self.headers["Content-Length"]))
                name = self.path.split("/")[3]
                try:
                    if self.headers.get("X-Amz-Invocation-Type") == "Event":
                        outer.invoke_later(name, payload)
                        return self.answer(202, b"")
                    self.answer(200, outer.invoke(name, payload))
                except Throttled:
                    self.answer(429, b'{"Reason":"ConcurrentInvocationLimitExceeded","Type":"User","message":"Rate Exceeded."}', [("x-amzn-ErrorType", "TooManyRequestsException")])
                except TooLarge:
                    message = f"Request must be smaller than {PAYLOAD_BYTES} bytes for the InvokeFunction operation"
                    self.answer(413, json.dumps({"Type": "User", "message": message}).encode(), [("x-amzn-ErrorType", "RequestTooLargeException")])
                except FunctionError as error:
                    self.answer(200, str(error).encode(), [("X-Amz-Function-Error", "Unhandled")])

        self.server = QuietServer(("127.0.0.1", 0), Api)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.environment["AWS_ENDPOINT_URL_LAMBDA"] = self.url

    def count(self, name, what):
        with self.lock:
            self.counts[(name, what)] = self.counts.get((name, what), 0) + 1

    def counted(self, name, what="invoked"):
        with self.lock:
            return self.counts.get((name, what), 0)

    def invoke(self, name, payload, kind="invoked"):
        """A synchronous invocation; gives the answer's bytes."""
        if len(payload) > PAYLOAD_BYTES:
            raise TooLarge(f"{len(payload)} bytes")
        fault = self.fault(name, payload)
        if fault:
            self.count(name, fault[0])
            if fault[0] == "throttle":
                raise Throttled()
            if fault[0] == "fail":
                raise FunctionError('{"errorType":"Runtime.Unknown","errorMessage":"on purpose"}')
            if fault[0] == "delay":
                time.sleep(fault[1])
        with self.lock:
            if self.is_closed:
                raise FunctionError('{"errorType":"closed"}')
            if self.running.get(name, 0) >= (self.concurrency if name == "scan-worker" else self.others):
                self.counts[(name, "throttled")] = self.counts.get((name, "throttled"), 0) + 1
                raise Throttled()
            self.running[name] = self.running.get(name, 0) + 1
            idle = self.idle.setdefault(name, [])
            environment = idle.pop() if idle else None
        try:
            if environment is None:
                environment = Environment(name, self.environment, 1769, self.binaries)
            self.count(name, kind)
            answer = environment.invoke(payload, self.timeouts[name], fault[1] if fault and fault[0] == "kill" else None)
        except FunctionError:
            self.count(name, "failed")
            raise
        finally:
            with self.lock:
                self.running[name] -= 1
                if environment is not None and not environment.is_dead:
                    self.idle[name].append(environment)
        return answer

    def invoke_later(self, name, payload):
        """An asynchronous invocation: two more attempts after errors; throttles are tried for longer."""

        def run():
            errors = 0
            while errors <= 2 and not self.is_closed:
                try:
                    return self.invoke(name, payload)
                except Throttled:
                    time.sleep(0.2)
                except FunctionError:
                    errors += 1
                    time.sleep(errors)

        threading.Thread(target=run, daemon=True).start()

    def kill_idle(self, name):
        """Ends the idle environments of a function, as Lambda does when it likes."""
        with self.lock:
            environments, self.idle[name] = self.idle.get(name, []), []
        for environment in environments:
            environment.close()

    def close(self):
        with self.lock:
            self.is_closed = True
        for name in list(self.idle):
            self.kill_idle(name)
        self.server.shutdown()


def chance(seed, rates):
    """A fault plan: `rates` maps a function to [(probability, fault)]; faults follow from the seed."""
    random_of = random.Random(seed)
    lock = threading.Lock()

    def fault(name, _payload):
        with lock:
            draw, jitter = random_of.random(), random_of.random()
        for probability, (kind, *most) in rates.get(name, []):
            if draw < probability:
                return (kind, *(value * jitter for value in most))
            draw -= probability
        return None

    return fault
