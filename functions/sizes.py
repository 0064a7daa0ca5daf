"""Prints how large each function is as a ZIP file, and how long it takes from its start to its first request for work.

usage: python3 functions/sizes.py [DIR]    DIR holds NAME/bootstrap, as `cargo lambda build` leaves it in target/lambda

The second is what Lambda calls the init phase of a cold start, without the download: each function is started under a
runtime API of our own (https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html), the median of RUNS starts counts.
Exits with 1 when a function is over a limit.
"""

import http.server
import os
import statistics
import subprocess
import sys
import threading
import time
import zipfile

FUNCTIONS = ("ingest", "persister", "coordinator", "scan-worker", "compactor", "web")
MAX_ZIP_BYTES = 12 * 1000 * 1000
MAX_INIT_MS = 100
RUNS = 11
START_TIMEOUT_S = 20

ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_REGION": "us-east-1",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "1769",
    "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
    "TRAWL_STREAM": "trawl",
    "TRAWL_BUCKET": "trawl",
    "TRAWL_TABLE": "trawl",
    "TRAWL_SCAN_WORKER": "scan-worker",
    "TRAWL_API_KEY_SHA256": "",
    "TRAWL_KEY_PEPPER": "of-tests-and-nothing-else-0123456789",
}


class RuntimeApi(http.server.BaseHTTPRequestHandler):
    """Notes when the first invocation is asked for, and never gives one."""

    def do_GET(self):
        self.server.asked_at = time.perf_counter()
        self.server.asked.set()
        self.server.ended.wait(START_TIMEOUT_S)

    def log_message(self, *_):
        pass


def init_ms(binary, name):
    """From the start of the process to its first request for work."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), RuntimeApi)
    server.daemon_threads = True
    server.asked, server.ended = threading.Event(), threading.Event()
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    address = f"127.0.0.1:{server.server_address[1]}"
    environment = {**ENVIRONMENT, "AWS_LAMBDA_RUNTIME_API": address, "AWS_LAMBDA_FUNCTION_NAME": name}
    started = time.perf_counter()
    process = subprocess.Popen([binary], env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        while not server.asked.wait(0.05):
            if process.poll() is not None:
                sys.exit(f"{name} ended with {process.returncode}: {process.stdout.read().decode(errors='replace')}")
            if time.perf_counter() - started > START_TIMEOUT_S:
                sys.exit(f"{name} did not ask for work within {START_TIMEOUT_S} s")
        return (server.asked_at - started) * 1000
    finally:
        server.ended.set()
        process.kill()
        process.wait()
        server.shutdown()
        server.server_close()


def zip_bytes(binary):
    """The size of the ZIP file that a deployment uploads."""
    path = binary + ".zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        archive.write(binary, "bootstrap")
    size = os.path.getsize(path)
    os.remove(path)
    return size


def main():
    directory = sys.argv[1] if len(sys.argv) > 1 else "target/lambda"
    print(f"{'function':<12} {'binary MB':>10} {'zip MB':>8} {'init ms':>8} {'least':>6} {'most':>6}")
    too_much = []
    for name in FUNCTIONS:
        binary = os.path.join(directory, name, "bootstrap")
        zipped = zip_bytes(binary)
        times = sorted(init_ms(binary, name) for _ in range(RUNS))
        median = statistics.median(times)
        megabytes = os.path.getsize(binary) / 1e6
        print(f"{name:<12} {megabytes:>10.2f} {zipped / 1e6:>8.2f} {median:>8.1f} {times[0]:>6.1f} {times[-1]:>6.1f}")
        if zipped > MAX_ZIP_BYTES:
            too_much.append(f"{name}: {zipped} bytes zipped, at most {MAX_ZIP_BYTES}")
        if median > MAX_INIT_MS:
            too_much.append(f"{name}: {median:.1f} ms to start, at most {MAX_INIT_MS}")
    if too_much:
        sys.exit("\n".join(too_much))


if __name__ == "__main__":
    main()
