"""The systems that are measured. Each has

    name, title                    how it is called on the command line, and in tables
    version()
    load(source) -> Loaded         stores the events; `source` has them as NDJSON and as Parquet
    open()                         gets ready to answer
    run(query) -> Outcome          answers one query of `queries.py`, to its last row
    spelling(query) -> str         the query as this system is asked it
    close()
"""
from dataclasses import dataclass, field


@dataclass
class Source:
    ndjson: str
    parquet: str


@dataclass
class Loaded:
    cpu_s: float
    wall_s: float
    stored_bytes: int


@dataclass
class Outcome:
    rows: list
    cpu_s: float
    wall_s: float
    # What only Trawl tells: bytes read, requests, granules, price.
    details: dict = field(default_factory=dict)


class CannotRun(Exception):
    """The system did not answer: the text says why, and goes into the table."""


def every_system(work, trawl):
    from .process import InProcess
    from .ripgrep import Ripgrep
    from .trawl import Trawl

    return [
        Trawl(trawl, work / "trawl"),
        InProcess("duckdb", "DuckDB, own tables", "duckdb:Tables", work / "duckdb"),
        InProcess("duckdb-parquet", "DuckDB, Parquet", "duckdb:Parquet", work / "duckdb-parquet"),
        InProcess("clickhouse", "ClickHouse (chdb)", "clickhouse:ClickHouse", work / "clickhouse"),
        InProcess("datafusion", "DataFusion, Parquet", "datafusion:DataFusion", work / "datafusion"),
        Ripgrep(work / "ripgrep"),
    ]
