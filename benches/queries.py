"""What is asked of every system. Each has its own spelling of these queries in `systems/`."""
from dataclasses import dataclass

WORD = "aac7923debe4ab87e0ef6a09888be71e"
INSIDE_WORD = "7923debe4ab87e0ef6a09888b"
ABSENT_WORD = "zzabsentneedle9431"
ABSENT_INSIDE_WORD = "bsentneedle9431x"
BLOCK = r"exception while serving blk_-?\d{13,}77\b"
ADDRESS = r"\b(?:\d{1,3}\.){3}\d{1,3}:\d{4,5}\b"
HOUR = ("2026-03-02T10:00:00", "2026-03-02T11:00:00")  # UTC; the end is not included
BUCKET_NS = 300 * 10**9


@dataclass(frozen=True)
class Query:
    name: str
    what: str
    trawl: str
    # What the rows are:
    #   events  [time in ns, the event], newest first, at most `limit`
    #   count   [[n]]
    #   chart   [bucket in ns, level, n]
    #   top     [value, n], most frequent first, at most `limit`
    kind: str
    limit: int = 100
    hours: tuple | None = None


QUERIES = [
    Query("Q1", "a word that few events hold", WORD, "events"),
    Query("Q1s", "the same, cut inside the word", f"*{INSIDE_WORD}*", "events"),
    Query("Q2", "a regular expression, every hit", f"/{BLOCK}/", "events", limit=1000),
    Query("Q3", "a regular expression without a literal, counted", f"message:/{ADDRESS}/ | stats count()", "count"),
    Query("Q4", "a frequent word in any text, newest 100", "error", "events"),
    Query("Q5", "two fields and one hour, newest 100", "service:hadoop level:error", "events", hours=HOUR),
    Query("Q6", "all events by 5 minutes and level", "* | timechart 5m by level", "chart"),
    Query("Q7", "the services that say a word most often", "connection | top 10 service", "top", limit=10),
    Query("Q8", "a word that is not there", ABSENT_WORD, "events"),
    Query("Q8s", "a part of a word that is not there", f"*{ABSENT_INSIDE_WORD}*", "events"),
]
