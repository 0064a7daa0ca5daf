"""The page that a run writes: every number on it comes from that run."""
import os
import platform
import statistics
from datetime import date
from pathlib import Path

from .agreement import summary

INTRODUCTION = """\
# Benchmarks

Trawl beside four other ways to search the same logs on one machine: DuckDB, ClickHouse and DataFusion as Python modules, and
ripgrep. This page is written by `make bench`, from one run; nothing on it is edited by hand. Ingest by other protocols: [benchmarks-protocols.md](benchmarks-protocols.md).

**How it is measured.** Every system has two threads on the same two cores, and the data in the page cache. Each query runs once on each system to
warm up; then answers are compared with Trawl's, and only a system that agrees is compared in time. Then the systems take turns (A B C … A B C …);
the numbers are medians of {runs} runs. CPU is user and system time of the process that answers: for Trawl the server, asked over HTTP, from request
to last page; for DuckDB, ClickHouse and DataFusion a process of their own, from the query to the last row as a Python value; for ripgrep all processes
of the pipeline. Who asks for events gets them whole, as they were sent.

**What the peers are given.** One Python program turns the lines into a Parquet file, sorted by time (zstd, row groups of 122,880 rows, page index), with typed
columns `timestamp`, `service`, `level`, `message`, `trace_id`, the event as it was sent (`raw`), all its string values joined by line breaks
(`texts`: what a search of Trawl without a field looks at), and these in lower case (`folded`). So the peers neither parse JSON nor fold case when
they search. DuckDB reads this file, and its own tables made from it; ClickHouse a MergeTree ordered by time, with its text index
for words and a bloom filter of 4-grams; DataFusion the file, declared as sorted, with filters pushed down. ClickHouse's cache of
conditions is off, as it answers a repeated query from what the last run found. ripgrep reads the lines themselves. [What each is asked](#what-each-system-is-asked) is below.
"""


def page(bench):
    sections = [
        INTRODUCTION.format(runs=bench.runs),
        machine(bench),
        overview(bench),
        problems(bench),
        ingest(bench),
        loading(bench),
        *(per_query(bench, query) for query in bench.queries),
        other_readers(bench),
        spellings(bench),
    ]
    return "\n".join(section for section in sections if section)


def table(head, rows, right_from=1):
    """A Markdown table; columns from `right_from` on are numbers."""
    rule = ["---"] * right_from + ["---:"] * (len(head) - right_from)
    lines = (" | ".join(cell.replace("|", "\\|") for cell in cells) for cells in [head, rule, *rows])
    return "\n".join(f"| {line} |" for line in lines) + "\n"


def machine(bench):
    command = f"make bench ARGS='{bench.command}'" if bench.command else "make bench"
    versions = ", ".join(f"{system.title.split(',')[0]} {bench.versions[system.name]}" for system in distinct(bench.systems))
    facts = [
        ["date", date.today().isoformat()],
        ["command", f"`{command}`"],
        ["data", f"{os.path.getsize(bench.source.ndjson):,} bytes of NDJSON, {bench.ingest['events']:,} events"],
        ["machine", f"{cpu_model()}, {os.cpu_count()} cores ({len(os.sched_getaffinity(0))} used), {memory_bytes() / 1e9:.1f} GB of memory"],
        ["system", f"Linux {platform.release()}, Python {platform.python_version()}"],
        ["versions", versions],
    ]
    return table(["", ""], facts, right_from=2)


def distinct(systems):
    """One of each program."""
    return list({system.title.split(",")[0]: system for system in systems}.values())


def cpu_model():
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.machine()


def memory_bytes():
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def medians(bench, query, system):
    """CPU and wall seconds, or None."""
    outcomes = bench.outcomes.get((query.name, system.name))
    if not outcomes or (query.name, system.name) in bench.failures:
        return None
    return statistics.median(one.cpu_s for one in outcomes), statistics.median(one.wall_s for one in outcomes)


def agreeing_peers(bench, query):
    """Medians of those whose answer is that of Trawl."""
    peers = {}
    for system in bench.systems[1:]:
        times = medians(bench, query, system)
        if times and (query.name, system.name) not in bench.disagreements:
            peers[system.title] = times
    return peers


def seconds(value):
    return f"{value:.4f}" if value < 1 else f"{value:.2f}"


def overview(bench):
    """Trawl and the best peer. Best is judged for CPU and for wall time each on its own."""
    rows = []
    for query in bench.queries:
        mine = medians(bench, query, bench.trawl)
        cells = [f"[{query.name}](#{anchor(query)})", query.what]
        if mine is None:
            rows.append([*cells, "failed", *[""] * 9])
            continue
        peers = agreeing_peers(bench, query)
        for measure in (0, 1):
            cells.append(seconds(mine[measure]))
            if peers:
                best = min(peers, key=lambda title: peers[title][measure])
                cells += [f"{seconds(peers[best][measure])} {best}", f"{mine[measure] / peers[best][measure]:.2f}"]
            else:
                cells += ["", ""]
        details = bench.outcomes[query.name, "trawl"][-1].details
        granules = f"{details['granules_read']:,}/{details['granules_total']:,}"
        cells += [f"{details['bytes_read'] / 1e6:,.2f}", f"{details['gets']:,}", granules, f"{details['usd'] * 1e6:,.2f}"]
        rows.append(cells)
    head = ["query", "", "CPU s", "best peer, CPU s", "ratio", "wall s", "best peer, wall s", "ratio", "MB read", "GETs", "granules", "$ per million"]
    text = """\
## Trawl and the best peer

A ratio is Trawl's time over that of the best peer whose answer agrees: below 1 Trawl is faster. Bytes, GETs, granules read of all, and the price on AWS
are what Trawl says of a search in its answer.
"""
    return f"{text}\n{table(head, rows, right_from=2)}"


def anchor(query):
    heading = f"{query.name}: {query.what}".lower()
    return "".join(c for c in heading if c.isalnum() or c in " -").replace(" ", "-")


def problems(bench):
    lines = [f"- {title} was left out: {why}" for title, why in bench.absent.items()]
    lines += [f"- {system} could not run {query}: {why}" for (query, system), why in bench.failures.items()]
    lines += [f"- {system} disagrees with Trawl on {query}: {how}" for (query, system), how in bench.disagreements.items()]
    if not lines:
        return "Every system ran every query, and all answers agree.\n"
    return "**Not compared:**\n\n" + "\n".join(lines) + "\n"


def ingest(bench):
    rows = [[name, f"{value:,.2f}" if isinstance(value, float) else f"{value:,}"] for name, value in bench.ingest.items()]
    return f"## Ingest of Trawl\n\n{table(['', ''], rows)}"


def loading(bench):
    raw = os.path.getsize(bench.source.ndjson)
    rows = []
    for system in bench.systems:
        loaded = bench.loaded[system.name]
        share = f"{100 * loaded.stored_bytes / raw:.1f}"
        rows.append([system.title, f"{loaded.cpu_s:.2f}", f"{loaded.wall_s:.2f}", f"{loaded.stored_bytes / 1e6:,.1f}", share])
    text = f"""\
## Loading and size

Trawl takes in the lines, persists and compacts (CPU of the server; wall time of the push). The others begin with the Parquet file, whose
writing took {bench.preparation_cpu_s:.1f} s of CPU in Python; ripgrep's lines are only split in two. What is stored is not the same for all: the
peers have `texts` and, but for ClickHouse, `folded` beside the event. DuckDB leaves long strings in its own tables uncompressed by itself.
"""
    return f"{text}\n{table(['', 'CPU s', 'wall s', 'stored MB', '% of raw'], rows)}"


def per_query(bench, query):
    mine = medians(bench, query, bench.trawl)
    rows = []
    for system in bench.systems:
        key = query.name, system.name
        times = medians(bench, query, system)
        if times is None:
            rows.append([system.title, f"could not run: {bench.failures.get(key, 'Trawl failed')}", "", "", ""])
            continue
        result = summary(query, bench.outcomes[key][-1].rows)
        if key in bench.disagreements:
            rows.append([system.title, f"{result}: **disagrees**", *map(seconds, times), ""])
            continue
        ratio = "" if system is bench.trawl or mine is None else f"{mine[0] / times[0]:.2f}"
        rows.append([system.title, result, *map(seconds, times), ratio])
    head = ["", "result", "CPU s", "wall s", "CPU of Trawl / its"]
    when = f", from {query.hours[0]}Z to {query.hours[1]}Z" if query.hours else ""
    return f"## {query.name}: {query.what}\n\n`{query.trawl}`{when}\n\n{table(head, rows, right_from=2)}"


def other_readers(bench):
    return f"""\
## Segments as plain Parquet

The segments of this run, read by other programs as they would read any Parquet files (`make readers ARGS='--data DIR'`):

{bench.readers.markdown()}
"""


def spellings(bench):
    blocks = []
    for system in bench.systems:
        lines = "\n".join(f"{query.name:<4} {system.spelling(query)}" for query in bench.queries)
        blocks.append(f"**{system.title}**\n\n```text\n{lines}\n```\n")
    return "## What each system is asked\n\n" + "\n".join(blocks)
