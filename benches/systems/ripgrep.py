"""ripgrep on the lines as they were sent, in two files of equal size, one for each thread.

It has no order, no fields and no tables, so a pipeline around it has `tac`, `sort`, `cut` and `awk`; their CPU counts. It looks at
JSON text and not at values: that this gives the same answers is a property of these logs, in which every line begins with
timestamp, service, level and message, in this order, without white space.
"""
import json
import os
import resource
import shutil
import subprocess
import time

from ..data import timestamp_ns
from ..queries import ABSENT_INSIDE_WORD, ABSENT_WORD, ADDRESS, HOUR, INSIDE_WORD, WORD
from . import CannotRun, Loaded, Outcome

SEARCH = "rg -j2 --no-filename --no-line-number"
NEWEST_FIRST = "sort -r | head -n 100"
# Lines are nearly in time order: among the last thousand hits are the newest hundred.
LAST_THOUSAND = "tac logs.1 logs.0 | rg -m 1000"
HEAD = r'^\{"timestamp":"[^"]*","service":"[^"]*","level":"[^"]*","message":"'
# The fields of a line when it is cut at its quotes.
TIME, SERVICE, LEVEL = 4, 8, 12
COUNT = "awk '{ n[$0]++ } END { for (k in n) print n[k], k }'"
# By minute first, then by five.
COUNT_BUCKETS = """awk -F'"' '{ n[substr($1, 1, 16) " " $2]++ } END { for (k in n) { m = substr(k, 15, 2); b[substr(k, 1, 14) sprintf("%02d", m - m % 5) substr(k, 17)] += n[k] } for (k in b) print b[k], k }'"""

SPELLINGS = {
    "Q1": f"{SEARCH} -i -w {WORD} logs.0 logs.1 | {NEWEST_FIRST}",
    "Q1s": f"{SEARCH} -i {INSIDE_WORD} logs.0 logs.1 | {NEWEST_FIRST}",
    "Q2": rf"{SEARCH} 'exception while serving blk_-?[0-9]{{13,}}77(?-u:\b)' logs.0 logs.1 | sort -r | head -n 1000",
    "Q3": rf"""{SEARCH} --count --include-zero '{HEAD}(?:[^"\\]|\\.)*?(?-u:{ADDRESS})' logs.0 logs.1 | awk '{{ n += $1 }} END {{ print n + 0 }}'""",
    "Q4": f"{LAST_THOUSAND} -i -w error | {NEWEST_FIRST}",
    "Q5": rf"""{SEARCH} '^\{{"timestamp":"{HOUR[0][:14]}[^"]*","service":"hadoop","level":"ERROR"' logs.0 logs.1 | {NEWEST_FIRST}""",
    # No search at all: ripgrep would be slower at this than cut.
    "Q6": f"""cut -d'"' -f{TIME},{LEVEL} logs.0 logs.1 | {COUNT_BUCKETS}""",
    "Q7": f"""{SEARCH} -i -w connection logs.0 logs.1 | cut -d'"' -f{SERVICE} | {COUNT} | sort -k1,1nr -k2 | head -n 10""",
    "Q8": f"{SEARCH} -i -w {ABSENT_WORD} logs.0 logs.1 | {NEWEST_FIRST}",
    "Q8s": f"{SEARCH} -i {ABSENT_INSIDE_WORD} logs.0 logs.1 | {NEWEST_FIRST}",
}


class Ripgrep:
    name, title = "ripgrep", "ripgrep, NDJSON"

    def __init__(self, directory):
        self.directory = directory

    def version(self):
        if shutil.which("rg") is None:
            raise CannotRun("ripgrep is not installed (Debian: apt-get install ripgrep)")
        return subprocess.check_output(["rg", "--version"], text=True).split()[1]

    def load(self, source):
        self.directory.mkdir(parents=True, exist_ok=True)
        begun_cpu, begun = children_cpu_s(), time.perf_counter()
        split = ["split", "--number=l/2", "--suffix-length=1", "--numeric-suffixes", source.ndjson, "logs."]
        subprocess.run(split, cwd=self.directory, check=True)
        size = os.path.getsize(source.ndjson)
        return Loaded(children_cpu_s() - begun_cpu, time.perf_counter() - begun, size)

    def open(self):
        pass

    def run(self, query):
        begun_cpu, begun = children_cpu_s(), time.perf_counter()
        done = subprocess.run(
            ["bash", "-c", SPELLINGS[query.name]],
            cwd=self.directory, capture_output=True, text=True, env={**os.environ, "LC_ALL": "C"},
        )
        cpu_s, wall_s = children_cpu_s() - begun_cpu, time.perf_counter() - begun
        if done.stderr:
            raise CannotRun(done.stderr.splitlines()[0][:200])
        return Outcome(rows(query, done.stdout.splitlines()), cpu_s, wall_s)

    def spelling(self, query):
        return SPELLINGS[query.name]

    def close(self):
        pass


def children_cpu_s():
    """CPU of processes that were waited for: none of the other systems ends while a query runs."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def rows(query, lines):
    match query.kind:
        case "events":
            return [[timestamp_ns(json.loads(line)["timestamp"]), line] for line in lines]
        case "count":
            return [[int(lines[0])]]
        case "chart":
            split = (line.split(" ") for line in lines)
            return [[timestamp_ns(f"{bucket}:00Z"), level, int(n)] for n, bucket, level in split]
        case "top":
            return [[value, int(n)] for n, value in (line.split(" ", 1) for line in lines)]
