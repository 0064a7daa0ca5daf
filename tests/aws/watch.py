"""Serves the functions with cargo-lambda, over stand-ins for AWS; ends with Ctrl-C.

usage: watch.py [--built]    --built serves what `make functions` built, else cargo-lambda compiles and follows changes
"""

import hashlib
import http.server
import os
import pathlib
import sys
import threading
import urllib.error
import urllib.request

from stack import stand_ins
from stack.functions import QuietServer
from stack.stand_ins import CREDENTIALS, ROOT, TARGET
from stack.wait import until

NAME, KEY = "trawl", "trawl-sample-key"
FUNCTIONS = ("ingest", "persister", "coordinator", "scan-worker", "compactor", "web")


class Later(http.server.BaseHTTPRequestHandler):
    """Before cargo-lambda's Invoke API: an asynchronous invocation is answered at once. cargo-lambda answers it when it
    has ended, for which a coordinator that starts its own run would wait for ever."""

    backend = None

    def log_message(self, *_):
        pass

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.headers.get("X-Amz-Invocation-Type") == "Event":
            threading.Thread(target=self.ask, args=(body,), daemon=True).start()
            return self.answer(202, {}, b"")
        return self.answer(*self.ask(body))

    def ask(self, body):
        request = urllib.request.Request(self.backend + self.path, data=body, method="POST", headers={"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=900) as answer:
                return answer.status, answer.headers, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.headers, error.read()

    def answer(self, status, headers, body):
        self.send_response(status)
        if headers.get("X-Amz-Function-Error"):
            self.send_header("X-Amz-Function-Error", headers["X-Amz-Function-Error"])
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class Watch:
    """The functions under cargo-lambda, at `port`."""

    def __init__(self, port, built):
        stand_in = stand_ins.ministack()
        stand_ins.client("s3", stand_in.url).create_bucket(Bucket=NAME)
        stand_ins.client("kinesis", stand_in.url).create_stream(StreamName=NAME, ShardCount=1)
        stand_ins.client("dynamodb", stand_in.url).create_table(
            TableName=NAME, BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in ("pk", "sk")],
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        )
        self.port, url = port, f"http://127.0.0.1:{port}"
        later = QuietServer(("127.0.0.1", 0), type("Before", (Later,), {"backend": url}))
        threading.Thread(target=later.serve_forever, daemon=True).start()
        environment = {
            # Set to nothing, as `sam local` does, it is as if it were not there.
            **CREDENTIALS, "AWS_ENDPOINT_URL": "", **{f"AWS_ENDPOINT_URL_{service}": stand_in.url for service in ("S3", "KINESIS", "DYNAMODB")},
            "AWS_ENDPOINT_URL_LAMBDA": f"http://127.0.0.1:{later.server_port}",
            "TRAWL_STREAM": NAME, "TRAWL_BUCKET": NAME, "TRAWL_TABLE": NAME, "TRAWL_SCAN_WORKER": "scan-worker", "TRAWL_COORDINATOR": "coordinator",
            "TRAWL_API_KEY_SHA256": hashlib.sha256(KEY.encode()).hexdigest(), "TRAWL_KEY_PEPPER": "of-tests-and-nothing-else-0123456789", "TRAWL_MAX_EVENT_AGE": "none",
        }
        command = [stand_ins.tool("cargo-lambda"), "lambda", "watch", "--invoke-address", "127.0.0.1", "--invoke-port", str(port)]
        # cargo-lambda calls cargo, and itself by way of it.
        environment["PATH"] = f"{pathlib.Path(sys.executable).parent}:{os.environ['PATH']}"
        if not built:
            self.server = stand_ins.Process("watch", command, environment, ROOT, is_shown=True)
            return
        self.server = stand_ins.Process("watch", [*command, "--only-lambda-apis"], environment, ROOT)
        until("cargo-lambda listens", lambda: "starting Runtime server" in self.server.log.read_text(), 30)
        for name in FUNCTIONS:
            own = {"AWS_LAMBDA_RUNTIME_API": f"{url}/.rt/{name}", "AWS_LAMBDA_FUNCTION_NAME": name, "AWS_LAMBDA_FUNCTION_VERSION": "1", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "1769"}
            stand_ins.Process(f"watched-{name}", [str(TARGET / "lambda" / name / "bootstrap")], {**environment, **own})


if __name__ == "__main__":
    watch = Watch(9000, built="--built" in sys.argv[1:])
    print(f"functions answer at http://127.0.0.1:9000; the API key is {KEY}", flush=True)
    try:
        watch.server.process.wait()
    except KeyboardInterrupt:
        pass
