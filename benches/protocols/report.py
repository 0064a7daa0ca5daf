"""The page that a run writes: every number on it comes from that run."""
import os
import platform
import statistics
from datetime import date

from ..report import cpu_model, memory_bytes, table
from . import authentication, coverage
from .variants import NATIVE

INTRODUCTION = """\
# Benchmarks of the protocols

What ingest costs by [each protocol](protocols.md), beside Trawl's own NDJSON, and what asking for a key costs. This page is written by
`make bench-protocols`, which `make bench` runs too, from one run; nothing on it is edited by hand. Searches and other systems: [benchmarks.md](benchmarks.md).
"""

METHOD = """\
## Ingest by protocol

The same events, in requests of the same events (1 MB of NDJSON each), one after the other over one connection to a fresh `trawl local`. Bodies are made before, so that
the figures hold no client. CPU is user and system time of the server process, from the first request to the last answer; nothing is
persisted meanwhile (`{options}`), so it is decoding, checks and the log. After each push the server has to hold as
many events as were sent, or the run ends. The protocols take turns (A B C … A B C …); the numbers are medians of {runs} runs, and the range is that
of their CPU. Share is the events per CPU second over those of native NDJSON in the same `Content-Encoding`.

Each protocol gets an event as its clients send it. OTLP: service as the resource, message as the body, the rest as attributes, nested as they are. `_bulk`: the
line behind `{{"create":{{"_index":"logs"}}}}`. Loki: service and level as labels, the message as the line, the rest as structured metadata. HEC and Datadog: the event as an
object with their own metadata beside it. Syslog: the rest as structured data. OTLP and Loki put events of one resource or stream together, inside
a request.
"""

AUTHENTICATION = """\
## What asking for a key costs

`{route}` with a query of one word, again and again over one connection that is kept, to three servers: one that asks for nothing, one with `--require-key`, one
that also takes tokens of an OpenID provider on this machine. They take turns, {requests} requests each, {rounds} times, after {warm_up} to warm up. CPU is the server's, for a
whole request; the difference is the median of the differences in each turn. Limit: {limit} µs.
"""

COVERAGE = """\
## Protocols, beside VictoriaLogs

What VictoriaLogs takes as [its documentation]({source}) lists it, as of {as_of}, and what Trawl takes. "Not listed" says only that the
documentation does not have it. This table is kept by hand in `benches/protocols/coverage.py`.
"""


def page(bench):
    return "\n".join([INTRODUCTION, machine(bench), ingest(bench), authentication_section(bench), coverage_section()])


def machine(bench):
    command = f"make bench-protocols ARGS='{bench.command}'" if bench.command else "make bench-protocols"
    facts = [
        ["date", date.today().isoformat()],
        ["command", f"`{command}`"],
        ["data", f"{bench.event_count:,} events, {bench.native_bytes:,} bytes of NDJSON, {bench.request_count:,} requests"],
        ["machine", f"{cpu_model()}, {os.cpu_count()} cores ({len(os.sched_getaffinity(0))} used), {memory_bytes() / 1e9:.1f} GB of memory"],
        ["system", f"Linux {platform.release()}, Python {platform.python_version()}"],
        ["version", bench.version],
    ]
    return table(["", ""], facts, right_from=2)


def cpu_s(bench, variant):
    return statistics.median(pushed.cpu_s for pushed in bench.pushed[variant])


def share(bench, variant):
    """Events per CPU second over those of native NDJSON in the same compression."""
    native = next(other for other in bench.pushed if other.protocol is NATIVE and other.compression == variant.compression)
    return cpu_s(bench, native) / cpu_s(bench, variant)


def ingest(bench):
    rows = []
    for variant, runs in bench.pushed.items():
        bodies = bench.bodies[variant]
        cpu = cpu_s(bench, variant)
        found = sorted(pushed.cpu_s for pushed in runs)
        required = variant.protocol.required
        rows.append(
            [
                variant.protocol.title,
                variant.compression,
                f"{bodies.decoded_bytes / 1e6:,.1f}",
                f"{bodies.sent_bytes / 1e6:,.1f}",
                f"{cpu:.3f}",
                f"{found[0]:.3f}–{found[-1]:.3f}",
                f"{statistics.median(pushed.wall_s for pushed in runs):.2f}",
                f"{bench.event_count / cpu:,.0f}",
                f"{bodies.decoded_bytes / 1e6 / cpu:,.0f}",
                "" if variant.protocol is NATIVE else f"{share(bench, variant):.1%}",
                verdict(f"{required:.0%}", share(bench, variant) >= required) if required else "",
            ]
        )
    head = ["protocol", "encoding", "MB", "MB sent", "CPU s", "range", "wall s", "events per CPU s", "MB per CPU s", "share", "at least"]
    return f"{METHOD.format(runs=bench.runs, options=' '.join(bench.server_options))}\n{table(head, rows, right_from=2)}"


def verdict(limit, kept):
    return limit if kept else f"{limit}: **missed**"


def authentication_section(bench):
    overheads = authentication.overheads_us(bench.authentication)
    rows = []
    for asked, found in bench.authentication.items():
        low, median, high = statistics.quantiles(found, n=4)
        row = [asked, f"{median:.1f}", f"{low:.1f}–{high:.1f}", "", ""]
        if asked in overheads:
            row[3:] = [f"{overheads[asked]:+.1f}", verdict(f"< {authentication.LIMIT_US} µs", overheads[asked] < authentication.LIMIT_US)]
        rows.append(row)
    text = AUTHENTICATION.format(
        route=authentication.ROUTE,
        requests=authentication.REQUESTS_PER_ROUND,
        rounds=authentication.ROUNDS,
        warm_up=f"{authentication.WARM_UP_REQUESTS:,}",
        limit=authentication.LIMIT_US,
    )
    return f"{text}\n{table(['asked for', 'CPU µs a request', 'middle half', 'difference, µs', 'limit'], rows)}"


def coverage_section():
    text = COVERAGE.format(source=coverage.SOURCE, as_of=coverage.AS_OF)
    protocols = table(["protocol", "VictoriaLogs", "Trawl"], coverage.PROTOCOLS, right_from=3)
    collectors = table(["collector", "VictoriaLogs, by", "Trawl, by"], coverage.COLLECTORS, right_from=3)
    return f"{text}\n{protocols}\n{collectors}"


def missed(bench):
    """The requirements that this run does not meet, in words."""
    for variant in bench.pushed:
        required = variant.protocol.required
        if required and share(bench, variant) < required:
            yield f"{variant.protocol.title}, {variant.compression}: {share(bench, variant):.1%} of native, {required:.0%} required"
    for asked, overhead in authentication.overheads_us(bench.authentication).items():
        if overhead >= authentication.LIMIT_US:
            yield f"{asked}: {overhead:.1f} µs a request, less than {authentication.LIMIT_US} required"
