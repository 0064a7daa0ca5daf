"""Real events where they are, else made ones."""

import itertools
import json
import os
import pathlib

import zstandard

from .programs import ROOT, TRAWL, run

COUNT = 10_000
LOGS = pathlib.Path(os.environ.get("TRAWL_LOGS", ROOT.parent / "shared/data"))
# Lines of these were written by syslog.
SYSLOG = ("loghub_linux", "loghub_openssh")


def events(count=COUNT, sources=None):
    """So many events of mixed sources, or of those named; each has its number as `n`."""
    files = sorted(LOGS.glob("*.ndjson.zst"))
    if sources:
        files = [file for file in files if file.name.split(".")[0] in sources]
    taken = turn_by_turn([read(file, count) for file in files], count) if files else simulated(count)
    return [{**event, "n": number} for number, event in enumerate(taken)]


def read(file, most):
    with zstandard.open(file, "rt", encoding="utf-8", newline="\n") as lines:
        return [json.loads(line) for line in itertools.islice(lines, most)]


def turn_by_turn(sources, count):
    """One event of each source, again and again: the order of each stays."""
    rows = itertools.zip_longest(*sources)
    mixed = [event for row in rows for event in row if event is not None]
    # Where the sources named are too small, their events come again, with other numbers.
    return list(itertools.islice(itertools.cycle(mixed), count))


def simulated(count):
    rate = 50
    seconds = -(-count // rate)
    command = [TRAWL, "simulate", "--stdout", "--seed", "7", "--start", "2026-03-02T09:00:00Z", "--rate", str(rate), "--seconds", str(seconds)]
    made = [json.loads(line) for line in run(command).splitlines()[:count]]
    assert len(made) == count, f"{len(made)} events were made, not {count}"
    # OpenTelemetry drops the trace of a record that has no span.
    return [{**event, **({"span_id": f"{number:016x}"} if "trace_id" in event else {})} for number, event in enumerate(made, 1)]


def chunks(items, size):
    return [items[first : first + size] for first in range(0, len(items), size)]
