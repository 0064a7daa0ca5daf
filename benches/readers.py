"""Whether other programs read Trawl's segments as plain Parquet and see the same events in them.

  make readers ARGS='--data DIR'      DIR is what `trawl local --data DIR` wrote
"""
import argparse
import importlib.metadata
import json
import multiprocessing
import os
import sqlite3
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

# What is compared, in this order. Lengths are in bytes; the times are ns since the epoch.
FACTS = ["events", "first timestamp", "last timestamp", "bytes of messages", "services"]


def live_segments(directory):
    """Files of the segments that the catalog holds live: merged ones stay beside them for a while."""
    with sqlite3.connect(f"file:{directory / 'catalog.sqlite'}?mode=ro", uri=True) as catalog:
        keys = [key for (key,) in catalog.execute("SELECT key FROM segments WHERE retired IS NULL ORDER BY key")]
    return [str(directory / "objects" / key) for key in keys]


def duckdb(files):
    import duckdb

    sql = """SELECT count(*), min(epoch_ns(timestamp)), max(epoch_ns(timestamp)), sum(strlen(message)), count(DISTINCT service)
             FROM read_parquet(?, union_by_name = true)"""
    return duckdb.execute(sql, [files]).fetchone()


def clickhouse(files):
    import chdb

    # Files of a glob have to have the columns named, whatever else is in them.
    paths = files[0] if len(files) == 1 else "{" + ",".join(files) + "}"
    sql = f"""SELECT count(), min(toUnixTimestamp64Nano(timestamp)), max(toUnixTimestamp64Nano(timestamp)), sum(length(message)), uniqExact(service)
              FROM file('{paths}', Parquet)"""
    return json.loads(str(chdb.query(sql, "JSONCompactEachRow")))


def pyarrow(files):
    import pyarrow
    import pyarrow.compute as compute
    import pyarrow.dataset

    table = pyarrow.dataset.dataset(files).to_table(columns=["timestamp", "service", "message"])
    times = table["timestamp"].cast(pyarrow.timestamp("ns", "UTC")).cast(pyarrow.int64())
    lengths = compute.sum(compute.binary_length(table["message"]))
    services = compute.count_distinct(table["service"])
    return [table.num_rows, *compute.min_max(times).as_py().values(), lengths.as_py(), services.as_py()]


def datafusion(files):
    from datafusion import SessionContext

    context = SessionContext()
    parts = []
    for number, file in enumerate(files):
        context.register_parquet(f"segment{number}", file)
        parts.append(f"SELECT timestamp, service, message FROM segment{number}")
    sql = f"""SELECT count(*), min(CAST(timestamp AS BIGINT)), max(CAST(timestamp AS BIGINT)), sum(octet_length(message)), count(DISTINCT service)
              FROM ({' UNION ALL '.join(parts)})"""
    return [column[0].as_py() for column in context.sql(sql).collect()[0].columns]


READERS = {"DuckDB": duckdb, "ClickHouse": clickhouse, "PyArrow": pyarrow, "DataFusion": datafusion}
PACKAGES = {"DuckDB": "duckdb", "ClickHouse": "chdb", "PyArrow": "pyarrow", "DataFusion": "datafusion"}


class Comparison:
    def __init__(self, files, expected, seen):
        self.files, self.expected, self.seen = files, expected, seen

    def agrees(self, reader):
        facts = self.seen[reader]
        return not isinstance(facts, str) and facts == (self.expected or self.seen["PyArrow"])

    def disagree(self):
        return [reader for reader in self.seen if not self.agrees(reader)]

    def markdown(self):
        lines = ["| reader | " + " | ".join(FACTS) + " | |", "| --- |" + " ---: |" * len(FACTS) + " --- |"]
        if self.expected:
            lines.append(row("what was loaded", self.expected, ""))
        for reader, facts in self.seen.items():
            title = f"{reader} {importlib.metadata.version(PACKAGES[reader])}"
            if isinstance(facts, str):
                lines.append(f"| {title} | cannot read it: {facts} |" + " |" * len(FACTS))
            else:
                lines.append(row(title, facts, "same" if self.agrees(reader) else "**differs**"))
        return "\n".join(lines)


def row(title, facts, verdict):
    return f"| {title} | " + " | ".join(f"{fact:,}" if fact < 10**15 else str(fact) for fact in facts) + f" | {verdict} |"


def compare(directory, loaded=None):
    """Reads the segments with every reader, each in a process of its own. `loaded` is a Parquet file of the events that
    were pushed; without it the readers are only compared with each other."""
    files = live_segments(Path(directory))
    expected = ask(pyarrow, [loaded]) if loaded else None
    return Comparison(files, expected, {name: ask(reader, files) for name, reader in READERS.items()})


def ask(reader, files):
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as process:
        try:
            return list(process.submit(reader, files).result())
        except Exception as error:  # whatever a reader raises is what it says
            return f"{type(error).__name__}: {error}".splitlines()[0][:200]


def main():
    parser = argparse.ArgumentParser(prog="benches.readers", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="the data directory of `trawl local`")
    comparison = compare(parser.parse_args().data)
    sizes = sum(os.path.getsize(file) for file in comparison.files)
    print(f"{len(comparison.files)} segments, {sizes:,} bytes\n\n{comparison.markdown()}")
    return 1 if comparison.disagree() else 0


if __name__ == "__main__":
    sys.exit(main())
