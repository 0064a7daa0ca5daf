"""Pushes the same events by every protocol, asks for keys, and writes `docs/benchmarks-protocols.md`.

  make bench-protocols                                   the whole of it: 300,000 events, every protocol
  make bench-protocols ARGS='--events 20000 --runs 1'    a quick look, printed only

The exit status is 1 when a protocol costs more than it may, or a key does. Needs Linux and Python 3.11.
"""
import argparse
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from .. import data
from . import authentication, report
from .events import requests_of
from .push import ONLY_INGEST, prepare, push
from .variants import NATIVE, VARIANTS

THREADS = 2
EVENTS = 300_000
PAGE = data.ROOT / "docs" / "benchmarks-protocols.md"


def arguments():
    parser = argparse.ArgumentParser(prog="benches.protocols", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    built = os.environ.get("TRAWL_BIN", data.ROOT / "target" / "quick" / "trawl")
    parser.add_argument("--trawl", default=built, help="the command to measure (default: TRAWL_BIN, or what `make` built)")
    parser.add_argument("--logs", help="NDJSON to push (default: that of `make bench`, made from ../shared/data)")
    parser.add_argument("--events", type=int, default=EVENTS, help=f"how many of its events (default: {EVENTS:,})")
    parser.add_argument("--runs", type=int, default=7, help="measured runs of each protocol (default: 7)")
    parser.add_argument("--out", type=Path, help=f"the page (default: {PAGE.relative_to(data.ROOT)} for a whole run, else standard output)")
    return parser.parse_args()


class Bench:
    """A run, from the first body to the last request."""

    def __init__(self, args, work):
        self.runs = args.runs
        self.command = shlex.join(os.path.basename(word) if os.path.isabs(word) else word for word in sys.argv[1:])
        self.server_options = ONLY_INGEST
        self.version = subprocess.check_output([args.trawl, "--version"], text=True).split()[-1]
        say("measuring keys and tokens")
        self.authentication = authentication.measure(args.trawl, work)
        requests = requests_of(args.logs or data.default_logs(), args.events)
        self.request_count = len(requests)
        self.event_count = sum(map(len, requests))
        say("writing the bodies")
        self.bodies = prepare(VARIANTS, requests)
        self.native_bytes = next(bodies.decoded_bytes for variant, bodies in self.bodies.items() if variant.protocol is NATIVE)
        self.pushed = {variant: [] for variant in VARIANTS}
        push(args.trawl, work / "push", VARIANTS[0], self.bodies[VARIANTS[0]], self.event_count)  # to warm up
        for number in range(args.runs):
            for variant in VARIANTS:
                say(f"run {number + 1}: {variant.protocol.title}, {variant.compression}")
                self.pushed[variant].append(push(args.trawl, work / "push", variant, self.bodies[variant], self.event_count))


def say(text):
    print(text, file=sys.stderr, flush=True)


def main():
    args = arguments()
    # One CPU for each thread of the server; processes inherit it.
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:THREADS])
    work = Path(tempfile.mkdtemp(prefix="trawl-bench-"))
    try:
        bench = Bench(args, work)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    whole = args.events == EVENTS and not args.logs
    out = args.out or (PAGE if whole else None)
    if out:
        out.write_text(report.page(bench))
        say(f"wrote {out}")
    else:
        print(report.page(bench))
    missed = list(report.missed(bench))
    for line in missed:
        say(f"MISSED: {line}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
