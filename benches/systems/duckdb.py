"""DuckDB, on its own tables and on the Parquet file, sorted by time both.

A word is looked for as a substring first, which leaves few rows to the regular expression; both read
`folded`, so that no letter case has to be ignored at search time. RE2's `\\b` is ASCII, as is
every needle here.
"""
import os
from pathlib import Path

from ..queries import ABSENT_INSIDE_WORD, ABSENT_WORD, ADDRESS, BLOCK, BUCKET_NS, HOUR, INSIDE_WORD, WORD

THREADS = 2


def events(condition, limit=100):
    return f"SELECT epoch_ns(timestamp), raw FROM logs WHERE {condition} ORDER BY timestamp DESC LIMIT {limit}"


def word(text):
    return rf"contains(folded, '{text}') AND regexp_matches(folded, '\b{text}\b')"


def inside(text):
    return f"contains(folded, '{text}')"


class Engine:
    QUERIES = {
        "Q1": events(word(WORD)),
        "Q1s": events(inside(INSIDE_WORD)),
        "Q2": events(f"contains(texts, 'exception while serving blk_') AND regexp_matches(texts, '{BLOCK}')", 1000),
        "Q3": f"SELECT count(*) FROM logs WHERE regexp_matches(message, '{ADDRESS}')",
        "Q4": events(word("error")),
        "Q5": events(
            "service = 'hadoop' AND level = 'ERROR'"
            f" AND timestamp >= TIMESTAMP_NS '{HOUR[0]}' AND timestamp < TIMESTAMP_NS '{HOUR[1]}'"
        ),
        "Q6": f"SELECT epoch_ns(timestamp) // {BUCKET_NS} * {BUCKET_NS} AS bucket, level, count(*) FROM logs GROUP BY ALL ORDER BY ALL",
        "Q7": f"SELECT service, count(*) AS n FROM logs WHERE {word('connection')} GROUP BY service ORDER BY n DESC, service LIMIT 10",
        "Q8": events(word(ABSENT_WORD)),
        "Q8s": events(inside(ABSENT_INSIDE_WORD)),
    }

    def __init__(self, directory):
        self.directory = Path(directory)
        self.connection = None

    def connect(self, database, **config):
        import duckdb

        self.connection = duckdb.connect(database, config={"threads": THREADS, **config})

    def version(self):
        import duckdb

        return duckdb.__version__

    def rows(self, name):
        return self.connection.execute(self.QUERIES[name]).fetchall()


class Tables(Engine):
    """All defaults: DuckDB then keeps long strings uncompressed."""

    def load(self, parquet):
        self.connect(self.directory / "logs.duckdb", storage_compatibility_version="latest")
        self.connection.execute(f"CREATE TABLE logs AS SELECT * FROM '{parquet}'")
        self.connection.execute("CHECKPOINT")
        self.connection.close()
        return os.path.getsize(self.directory / "logs.duckdb")

    def open(self):
        self.connect(self.directory / "logs.duckdb")


class Parquet(Engine):
    def load(self, parquet):
        (self.directory / "logs.parquet").unlink(missing_ok=True)
        os.link(parquet, self.directory / "logs.parquet")
        return os.path.getsize(parquet)

    def open(self):
        self.connect(":memory:")
        self.connection.execute("LOAD parquet")
        self.connection.execute("SET parquet_metadata_cache = true")
        self.connection.execute(f"CREATE VIEW logs AS SELECT * FROM '{self.directory / 'logs.parquet'}'")
