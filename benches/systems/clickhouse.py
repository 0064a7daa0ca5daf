"""ClickHouse, as the Python module chdb: a MergeTree ordered by time, with a text index for words and a
bloom filter of 4-grams for parts of words.

The text index is cut into words at every ASCII character that is no letter, digit or `_`; then its tokens are
the words of Trawl (but for characters such as dashes beyond ASCII), and `hasAllTokens` is answered from
postings, without reading text. It folds case itself, so the column `folded` is left out.
"""
import json
from pathlib import Path

from ..queries import ABSENT_INSIDE_WORD, ABSENT_WORD, ADDRESS, BLOCK, BUCKET_NS, HOUR, INSIDE_WORD, WORD

THREADS = 2
COLUMNS = "timestamp, service, level, message, trace_id, raw, texts"
SEPARATORS = ", ".join(f"'\\x{code:02x}'" for code in range(1, 128) if not (chr(code).isalnum() or chr(code) == "_"))
TABLE = f"""
CREATE TABLE logs (
    timestamp DateTime64(9, 'UTC') CODEC(Delta, ZSTD(3)),
    service LowCardinality(String),
    level LowCardinality(String),
    message String CODEC(ZSTD(3)),
    trace_id Nullable(String) CODEC(ZSTD(3)),
    raw String CODEC(ZSTD(3)),
    texts String CODEC(ZSTD(3)),
    INDEX words texts TYPE text(tokenizer = splitByString([{SEPARATORS}]), preprocessor = lower(texts)),
    INDEX grams lower(texts) TYPE ngrambf_v1(4, 65536, 1, 0) GRANULARITY 1
) ENGINE = MergeTree ORDER BY timestamp"""


def events(condition, limit=100):
    return f"SELECT toUnixTimestamp64Nano(timestamp), raw FROM logs WHERE {condition} ORDER BY timestamp DESC LIMIT {limit}"


def word(text):
    return f"hasAllTokens(texts, '{text}')"


def inside(text):
    return f"lower(texts) LIKE '%{text}%'"


def regex(column, pattern):
    return f"match({column}, '{pattern}')".replace("\\", "\\\\")


class ClickHouse:
    QUERIES = {
        "Q1": events(word(WORD)),
        "Q1s": events(inside(INSIDE_WORD)),
        # The first condition follows from the pattern: it is for the index of words.
        "Q2": events(f"{word('exception while serving')} AND {regex('texts', BLOCK)}", 1000),
        "Q3": f"SELECT count() FROM logs WHERE {regex('message', ADDRESS)}",
        "Q4": events(word("error")),
        "Q5": events(f"service = 'hadoop' AND level = 'ERROR' AND timestamp >= '{HOUR[0]}' AND timestamp < '{HOUR[1]}'"),
        "Q6": f"SELECT intDiv(toUnixTimestamp64Nano(timestamp), {BUCKET_NS}) * {BUCKET_NS} AS bucket, level, count() FROM logs GROUP BY ALL ORDER BY ALL",
        "Q7": f"SELECT service, count() AS n FROM logs WHERE {word('connection')} GROUP BY service ORDER BY n DESC, service LIMIT 10",
        "Q8": events(word(ABSENT_WORD)),
        "Q8s": events(inside(ABSENT_INSIDE_WORD)),
    }

    def __init__(self, directory):
        self.directory = Path(directory)
        self.session = None

    def version(self):
        import chdb

        return f"{str(chdb.query('SELECT version()', 'TabSeparated')).strip()} (chdb {chdb.__version__})"

    def load(self, parquet):
        self.open()
        self.session.query(TABLE)
        self.session.query(f"INSERT INTO logs SELECT {COLUMNS} FROM file('{parquet}', Parquet)")
        self.session.query("OPTIMIZE TABLE logs FINAL")
        size = int(str(self.session.query("SELECT sum(bytes_on_disk) FROM system.parts WHERE active AND table = 'logs'")))
        self.session.close()
        return size

    def open(self):
        from chdb.session import Session

        self.session = Session(str(self.directory))
        self.session.query(f"SET max_threads = {THREADS}")
        # It answers a repeated query from what the last run found.
        self.session.query("SET use_query_condition_cache = 0")

    def rows(self, name):
        answer = self.session.query(self.QUERIES[name], "JSONCompactEachRow")
        return [json.loads(line) for line in str(answer).splitlines()]
