"""The events that are pushed, cut into the same requests for every protocol."""
import json
import sys
from dataclasses import dataclass

from ..data import timestamp_ns

# Of NDJSON; the same events have other sizes in other protocols.
REQUEST_BYTES = 1_000_000
# What protocols have a place of their own for.
NAMED = ("timestamp", "service", "level", "message", "trace_id", "span_id")


@dataclass
class Event:
    raw: bytes  # the line as it is, without its end
    timestamp: str  # RFC 3339
    time_ns: int
    service: str
    level: str
    message: str
    trace_id: str
    span_id: str
    others: dict  # all other members

    @classmethod
    def read(cls, line):
        event = json.loads(line)
        named = {name: event.pop(name, None) or "" for name in NAMED}
        return cls(raw=line, time_ns=timestamp_ns(named["timestamp"]), **named, others=event)


def requests_of(logs, limit):
    """The first `limit` events of a file, as lists of about `REQUEST_BYTES`."""
    requests = []
    count = 0
    with open(logs, "rb") as file:
        while count < limit and (lines := file.readlines(REQUEST_BYTES)):
            lines = lines[: limit - count]
            requests.append([Event.read(line.rstrip()) for line in lines])
            count += len(lines)
    if not count:
        sys.exit(f"{logs} holds no events")
    return requests


def flat(members, joint, prefix=""):
    """Members of members as pairs of a joined name and a text; lists as JSON. For protocols that know only texts."""
    for name, value in members.items():
        if type(value) is dict:
            yield from flat(value, joint, f"{prefix}{name}{joint}")
        else:
            yield prefix + name, value if type(value) is str else json.dumps(value)


def grouped(events, key):
    """Events by what they share, in the order of the first of each group: a stream or a resource stands in a
    request once."""
    groups = {}
    for event in events:
        groups.setdefault(key(event), []).append(event)
    return groups.items()
