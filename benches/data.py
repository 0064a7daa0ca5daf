"""The logs that are measured: one gigabyte made from real log lines, a head of it for quick runs,
and the Parquet file from which the peers are loaded."""
import json
import mmap
import os
import re
import subprocess
import sys
import tempfile
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
RAW_BYTES = 1_000_000_000
SEED = 20260302
# As DuckDB writes row groups itself; both it and DataFusion give each thread whole row groups.
ROW_GROUP_ROWS = 122_880
ZSTD_LEVEL = 3

EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
MICROSECOND = timedelta(microseconds=1)
LEADING_TIMESTAMP = re.compile(rb'\s*\{\s*"timestamp":"([^"]*)"')


def make_logs(target):
    """The data set: 1 GB, 2.96 million events over 24 hours."""
    shared = ROOT.parent / "shared" / "data"
    if not shared.is_dir():
        sys.exit(f"{shared} is not there: give the logs with --logs FILE.ndjson")
    print(f"making {target} (about two minutes)", file=sys.stderr)
    with tempfile.TemporaryDirectory() as real:
        for source in sorted(shared.glob("*.zst")):
            subprocess.run(["zstd", "-dq", source, "-o", Path(real) / source.stem], check=True)
        script = [sys.executable, shared / "scale_logs.py", "--in", real, "--out", f"{target}.part"]
        subprocess.run([*script, "--bytes", str(RAW_BYTES), "--seed", str(SEED)], check=True, stdout=subprocess.DEVNULL)
    os.rename(f"{target}.part", target)


def default_logs():
    """The data set in the temporary directory, where it stays; made when it is not there."""
    logs = os.path.join(tempfile.gettempdir(), "trawl-bench-1gb.ndjson")
    if not os.path.exists(logs):
        make_logs(logs)
    return logs


def write_head(logs, size_bytes, target):
    """The whole lines among the first `size_bytes` of the logs."""
    with open(logs, "rb") as source, open(target, "wb") as head:
        content = source.read(size_bytes)
        head.write(content[: content.rfind(b"\n") + 1])


def timestamp_ns(text):
    return (datetime.fromisoformat(text) - EPOCH) // MICROSECOND * 1000


def texts_of(event):
    """Every string value of an event, the timestamp aside, one a line: what a search of Trawl
    without a field looks at. Keys, numbers and booleans are not text."""
    found = []

    def collect(value):
        if type(value) is str:
            found.append(value)
        elif type(value) is dict:
            for inner in value.values():
                collect(inner)
        elif type(value) is list:
            for inner in value:
                collect(inner)

    for key, value in event.items():
        if key != "timestamp":
            collect(value)
    return "\n".join(found)


def lines_in_time_order(content):
    """Time and place of each line, sorted by time; lines of one time stay in the order of the file."""
    lines = []
    start = 0
    while (line := content.readline()):
        leading = LEADING_TIMESTAMP.match(line)
        text = leading[1].decode() if leading else json.loads(line)["timestamp"]
        lines.append((timestamp_ns(text), start, len(line)))
        start += len(line)
    lines.sort()
    return lines


def write_parquet(logs, target):
    """The events as the peers get them, in time order. Gives the CPU seconds it took."""
    import pyarrow
    import pyarrow.parquet

    schema = pyarrow.schema(
        [
            ("timestamp", pyarrow.timestamp("ns")),  # UTC
            ("service", pyarrow.string()),
            ("level", pyarrow.string()),
            ("message", pyarrow.string()),
            ("trace_id", pyarrow.string()),
            ("raw", pyarrow.string()),  # the line as it was sent
            ("texts", pyarrow.string()),
            ("folded", pyarrow.string()),  # texts in lower case
        ]
    )
    begun = time.process_time()
    options = {"compression": "zstd", "compression_level": ZSTD_LEVEL, "write_page_index": True, "store_schema": False}
    sorting = [pyarrow.parquet.SortingColumn(0)]
    with open(logs, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        lines = lines_in_time_order(content)
        with pyarrow.parquet.ParquetWriter(target, schema, sorting_columns=sorting, **options) as writer:
            for first in range(0, len(lines), ROW_GROUP_ROWS):
                columns = [[] for _ in schema]
                for time_ns, start, size in lines[first : first + ROW_GROUP_ROWS]:
                    raw = content[start : start + size].rstrip().decode()
                    event = json.loads(raw)
                    named = (event.get(name) for name in ("service", "level", "message", "trace_id"))
                    texts = texts_of(event)
                    for column, value in zip(columns, (time_ns, *named, raw, texts, texts.lower())):
                        column.append(value)
                writer.write_table(pyarrow.table(columns, schema=schema), row_group_size=ROW_GROUP_ROWS)
    return time.process_time() - begun
