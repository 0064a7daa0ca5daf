"""Loads the same logs into Trawl and its peers, runs the same queries on each in turns, and writes
`docs/benchmarks.md`.

  make bench                                          the whole of it: 1 GB, every system
  make bench ARGS='--bytes 20000000 --runs 1'         a quick look, printed only
  make bench ARGS='--only Q1,Q4 --systems trawl,clickhouse'

Answers are compared before times are: a system that answers otherwise than Trawl is named, left
out of the ratios, and makes the exit status 1. Needs Linux and Python 3.11.
"""
import argparse
import os
import shlex
import shutil
import sys
import tempfile
from pathlib import Path

from . import data, ingest, readers, report
from .agreement import differences
from .queries import QUERIES
from .systems import CannotRun, Loaded, Source, every_system

THREADS = 2
PAGE = data.ROOT / "docs" / "benchmarks.md"


def arguments():
    parser = argparse.ArgumentParser(prog="benches", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    built = os.environ.get("TRAWL_BIN", data.ROOT / "target" / "quick" / "trawl")
    parser.add_argument("--trawl", default=built, help="the command to measure (default: TRAWL_BIN, or what `make` built)")
    parser.add_argument("--logs", help="NDJSON to load (default: 1 GB made from ../shared/data, kept in the temporary directory)")
    parser.add_argument("--bytes", type=int, help="take only the head of the logs")
    parser.add_argument("--runs", type=int, default=7, help="measured runs of each query, after one to warm up (default: 7)")
    parser.add_argument("--only", help="queries, such as Q1,Q4")
    parser.add_argument("--systems", help="systems: trawl,duckdb,duckdb-parquet,clickhouse,datafusion,ripgrep (Trawl is always there)")
    parser.add_argument("--work", type=Path, help="where data goes, and stays (default: a temporary directory)")
    parser.add_argument("--out", type=Path, help=f"the page (default: {PAGE.relative_to(data.ROOT)} for a whole run, else standard output)")
    return parser.parse_args()


def main():
    args = arguments()
    # One CPU for each thread, the same for every system; processes inherit it.
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:THREADS])
    work = args.work or Path(tempfile.mkdtemp(prefix="trawl-bench-"))
    try:
        bench = Bench(args, work)
        page = report.page(bench)
    finally:
        if not args.work:
            shutil.rmtree(work, ignore_errors=True)
    whole = not (args.bytes or args.only or args.systems)
    out = args.out or (PAGE if whole else None)
    if out:
        out.write_text(page)
        say(f"wrote {out}")
    else:
        print(page)
    return bench.exit_status()


def say(text):
    print(text, file=sys.stderr, flush=True)


def chosen(names, of, kind):
    if names is None:
        return of
    unknown = set(names.split(",")) - {one.name for one in of}
    if unknown:
        sys.exit(f"no such {kind}: {', '.join(sorted(unknown))}")
    return [one for one in of if one.name in names.split(",")]


class Bench:
    """A run, from loading to the last answer."""

    def __init__(self, args, work):
        self.runs = args.runs
        self.command = shlex.join(without_directories(sys.argv[1:]))
        self.queries = chosen(args.only, QUERIES, "query")
        self.versions = {}
        self.absent = {}  # system → why it was not measured
        self.loaded = {}  # system → Loaded
        self.outcomes = {}  # (query, system) → its measured Outcomes
        self.failures = {}  # (query, system) → why there are none
        self.disagreements = {}  # (query, system) → how the answers differ
        work.mkdir(parents=True, exist_ok=True)
        everything = every_system(work, args.trawl)
        self.systems = chosen(f"trawl,{args.systems}" if args.systems else None, everything, "system")
        self.source = self.prepare(args, work)
        try:
            self.load(work)
            self.measure()
            self.readers = readers.compare(work / "trawl", self.source.parquet)
            self.ingest |= ingest.acknowledgement(self.trawl, self.source.ndjson)
        finally:
            for system in self.systems:
                system.close()

    def prepare(self, args, work):
        logs = args.logs or data.default_logs()
        if args.bytes:
            data.write_head(logs, args.bytes, work / "head.ndjson")
            logs = work / "head.ndjson"
        say("writing the Parquet file for the peers")
        self.preparation_cpu_s = data.write_parquet(logs, work / "logs.parquet")
        return Source(os.path.abspath(logs), os.path.abspath(work / "logs.parquet"))

    def load(self, work):
        self.trawl = self.systems[0]
        for system in list(self.systems):
            say(f"loading {system.title}")
            try:
                self.versions[system.name] = system.version()
                shutil.rmtree(work / system.name, ignore_errors=True)
                if system is self.trawl:
                    system.open()
                    self.ingest = ingest.push_and_compact(system, self.source.ndjson)
                else:
                    self.loaded[system.name] = system.load(self.source)
                    system.open()
            except CannotRun as error:
                if system is self.trawl:
                    raise
                say(f"LEFT OUT: {system.title}: {error}")
                self.absent[system.title] = str(error)
                self.systems.remove(system)
        cpu_s = sum(value for name, value in self.ingest.items() if "server CPU s" in name)
        self.loaded["trawl"] = Loaded(cpu_s, self.ingest["push, wall s"], self.ingest["stored after compaction, MB"] * 1e6)

    def measure(self):
        for query in self.queries:
            say(f"{query.name}: {query.trawl}")
            able = self.check(query)
            for _ in range(self.runs):
                for system in able:
                    self.run(query, system)

    def check(self, query):
        """The first run of each system: warms it up, and says which of them agree."""
        able = []
        expected = None
        for system in self.systems:
            first = self.run(query, system, measured=False)
            if first is None:
                if system is self.trawl:
                    break
                continue
            able.append(system)
            if expected is None:
                expected = first.rows
            different = differences(query, expected, first.rows)
            if different:
                self.disagreements[query.name, system.name] = different
                say(f"DISAGREES: {system.title} on {query.name}: {different}")
        return able

    def run(self, query, system, measured=True):
        try:
            outcome = system.run(query)
        except CannotRun as error:
            say(f"CANNOT RUN: {system.title} on {query.name}: {error}")
            self.failures[query.name, system.name] = str(error)
            return None
        if measured:
            self.outcomes.setdefault((query.name, system.name), []).append(outcome)
        return outcome

    def exit_status(self):
        wrong = self.disagreements or self.readers.disagree() or any(system == "trawl" for _, system in self.failures)
        return 1 if wrong else 0


def without_directories(words):
    return [os.path.basename(word) if os.path.isabs(word) else word for word in words]


if __name__ == "__main__":
    sys.exit(main())
