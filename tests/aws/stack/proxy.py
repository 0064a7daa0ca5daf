"""A proxy before a stand-in, for what the service does to its callers and the stand-in does not: throttling of
single records, of whole calls, errors, expired iterators, and answers that are cut or lost after the work was done.
It also joins stand-ins at one address."""

import http.client
import http.server
import json
import random
import socket
import threading
import urllib.parse

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from .functions import QuietServer

THROTTLED = "ProvisionedThroughputExceededException"


class Proxy:
    """Hands calls on to `url`, or by the beginnings of their paths to one of `routes`. `fault(operation)` is asked before
    each, as `PutRecords`, or `S3 GET`; what it gives goes wrong: "throttle" or "error" (the call), ("part", share) (that
    share of the records of a PutRecords), "expire" (the iterator of a GetRecords), "cut" (the body of the answer), "lose"
    (the answer)."""

    def __init__(self, url, seed=0, address="127.0.0.1", routes=None, host=None):
        # The name that `url` is called by, in place of the caller's.
        self.host = host
        self.backend = urllib.parse.urlsplit(url).netloc
        self.routes = {path: urllib.parse.urlsplit(to).netloc for path, to in (routes or {}).items()}
        self.fault = lambda _operation: None
        self.counts, self.lock, self.random = {}, threading.Lock(), random.Random(seed)
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def handle_any(self):
                outer.handle(self)

            do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = do_PATCH = handle_any

        self.server = QuietServer((address, 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://{address}:{self.server.server_port}"

    def counted(self, operation, what):
        """How often a fault of this kind was met."""
        with self.lock:
            return self.counts.get((operation, what), 0)

    def handle(self, request):
        body = request.rfile.read(int(request.headers.get("Content-Length") or 0))
        target = request.headers.get("X-Amz-Target")
        operation = target.rpartition(".")[2] if target else f"S3 {request.command}"
        fault = self.fault(operation)
        kind = fault[0] if isinstance(fault, tuple) else fault
        if kind:
            with self.lock:
                self.counts[(operation, kind)] = self.counts.get((operation, kind), 0) + 1
        if kind in ("throttle", "error") and not target:
            status, code = (503, "SlowDown") if kind == "throttle" else (500, "InternalError")
            refusal = f'<?xml version="1.0" encoding="UTF-8"?><Error><Code>{code}</Code><Message>Please try again.</Message></Error>'
            return self.answer(request, status, [("Content-Type", "application/xml")], refusal.encode())
        if kind == "error":
            return self.answer(request, 500, [("Content-Type", "application/x-amz-json-1.0")], b'{"__type":"InternalServerError","message":"on purpose"}')
        if kind == "expire":
            refusal = {"__type": "ExpiredIteratorException", "message": "Iterator expired. The iterator was created at time T and is past its 300 s."}
            return self.answer(request, 400, [("Content-Type", "application/x-amz-json-1.1")], json.dumps(refusal).encode())
        if kind == "throttle":
            refusal = {"__type": THROTTLED, "message": "Rate exceeded for shard shardId-000000000000 in stream test under account 000000000000."}
            return self.answer(request, 400, [("Content-Type", "application/x-amz-json-1.1")], json.dumps(refusal).encode())
        if kind == "part":
            return self.answer(request, 200, [("Content-Type", "application/x-amz-json-1.1")], self.in_part(request, body, fault[1]))
        status, headers, answer = self.ask(request, body)
        if kind == "lose":
            # The work is done, and the caller does not hear of it.
            request.close_connection = True
            return request.connection.close()
        if kind == "cut" and len(answer) > 1:
            return self.cut(request, status, headers, answer)
        return self.answer(request, status, headers, answer)

    def cut(self, request, status, headers, body):
        """Announces all of a body, sends half of it and hangs up."""
        self.head(request, status, headers, len(body))
        request.wfile.write(body[: len(body) // 2])
        request.wfile.flush()
        request.close_connection = True
        request.connection.shutdown(socket.SHUT_RDWR)

    def ask(self, request, body, headers=None):
        backend = next((to for path, to in self.routes.items() if request.path.startswith(path)), self.backend)
        connection = http.client.HTTPConnection(backend, timeout=120)
        try:
            headers = headers or {key: value for key, value in request.headers.items() if key.lower() not in ("connection", "content-length")}
            if self.host:
                headers = {key: value for key, value in headers.items() if key.lower() != "host"} | {"Host": self.host}
            connection.request(request.command, request.path, body if body or request.command in ("POST", "PUT") else None, headers)
            answer = connection.getresponse()
            return answer.status, answer.getheaders(), answer.read()
        finally:
            connection.close()

    def in_part(self, request, body, share):
        """A PutRecords that takes some of its records; the others are throttled one by one."""
        asked = json.loads(body)
        with self.lock:
            refused = [self.random.random() < share for _ in asked["Records"]]
        taken = [record for record, is_refused in zip(asked["Records"], refused) if not is_refused]
        results = []
        if taken:
            fewer = json.dumps({**asked, "Records": taken}).encode()
            status, _, answer = self.ask(request, fewer, self.signed(request, fewer))
            assert status == 200, answer
            results = json.loads(answer)["Records"]
        results = iter(results)
        refusal = {"ErrorCode": THROTTLED, "ErrorMessage": "Rate exceeded for shard shardId-000000000000 in stream test under account 000000000000."}
        records = [refusal if is_refused else next(results) for is_refused in refused]
        failed = sum("ErrorCode" in record for record in records)
        return json.dumps({"FailedRecordCount": failed, "Records": records}).encode()

    def signed(self, request, body):
        """Headers of a call with another body, signed by the account."""
        kept = {key: request.headers[key] for key in ("Content-Type", "X-Amz-Target")}
        call = AWSRequest("POST", f"http://{self.backend}/", headers=kept, data=body)
        SigV4Auth(Credentials("test", "test"), "kinesis", "us-east-1").add_auth(call)
        return dict(call.headers)

    def head(self, request, status, headers, length):
        request.send_response(status)
        for key, value in headers:
            if key.lower() not in ("transfer-encoding", "connection", "content-length", "date", "server"):
                request.send_header(key, value)
        request.send_header("Content-Length", str(length))
        request.end_headers()

    def answer(self, request, status, headers, body):
        if request.command == "HEAD":
            # What a HEAD says of the length is of the body it leaves out.
            length = next((int(value) for key, value in headers if key.lower() == "content-length"), len(body))
            return self.head(request, status, headers, length)
        self.head(request, status, headers, len(body))
        request.wfile.write(body)

    def close(self):
        self.server.shutdown()
        self.server.server_close()
