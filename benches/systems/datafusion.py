"""DataFusion on the Parquet file, told that it is sorted by time, with filters pushed into the scan.

Its regular expressions are those of the `regex` crate, Unicode unless told otherwise with `(?-u)`. They look for the
literal in a pattern first by themselves, so a word is one expression.
"""
import os
from pathlib import Path

from ..queries import ABSENT_INSIDE_WORD, ABSENT_WORD, ADDRESS, BUCKET_NS, HOUR, INSIDE_WORD, WORD

THREADS = 2


def events(condition, limit=100):
    return f"SELECT CAST(timestamp AS BIGINT) AS time_ns, raw FROM logs WHERE {condition} ORDER BY timestamp DESC LIMIT {limit}"


def word(text):
    return rf"regexp_like(folded, '(?-u:\b{text}\b)')"


def inside(text):
    return f"folded LIKE '%{text}%'"


class DataFusion:
    QUERIES = {
        "Q1": events(word(WORD)),
        "Q1s": events(inside(INSIDE_WORD)),
        "Q2": events(r"regexp_like(texts, 'exception while serving blk_-?[0-9]{13,}77(?-u:\b)')", 1000),
        "Q3": f"SELECT count(*) FROM logs WHERE regexp_like(message, '(?-u:{ADDRESS})')",
        "Q4": events(word("error")),
        "Q5": events(
            "service = 'hadoop' AND level = 'ERROR'"
            f" AND timestamp >= TIMESTAMP '{HOUR[0]}' AND timestamp < TIMESTAMP '{HOUR[1]}'"
        ),
        "Q6": f"SELECT CAST(timestamp AS BIGINT) / {BUCKET_NS} * {BUCKET_NS} AS bucket, level, count(*) FROM logs GROUP BY 1, 2 ORDER BY 1, 2",
        "Q7": f"SELECT service, count(*) AS n FROM logs WHERE {word('connection')} GROUP BY service ORDER BY n DESC, service LIMIT 10",
        "Q8": events(word(ABSENT_WORD)),
        "Q8s": events(inside(ABSENT_INSIDE_WORD)),
    }

    def __init__(self, directory):
        self.file = Path(directory) / "logs.parquet"
        self.context = None

    def version(self):
        import datafusion

        return datafusion.__version__

    def load(self, parquet):
        self.file.unlink(missing_ok=True)
        os.link(parquet, self.file)
        return os.path.getsize(parquet)

    def open(self):
        from datafusion import SessionConfig, SessionContext

        config = SessionConfig().with_target_partitions(THREADS)
        config = config.set("datafusion.execution.parquet.pushdown_filters", "true")
        config = config.set("datafusion.execution.parquet.reorder_filters", "true")
        self.context = SessionContext(config)
        create = f"CREATE EXTERNAL TABLE logs STORED AS PARQUET WITH ORDER (timestamp ASC) LOCATION '{self.file}'"
        self.context.sql(create).collect()

    def rows(self, name):
        batches = self.context.sql(self.QUERIES[name]).collect()
        return [list(row) for batch in batches for row in zip(*(column.to_pylist() for column in batch.columns))]
