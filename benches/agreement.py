"""Whether two systems gave the same answer; times are compared only then."""
import json
from collections import Counter


def differences(query, expected, found):
    """How the rows of a system differ from Trawl's, in words; None when they agree."""
    if len(expected) != len(found):
        return f"{len(found):,} rows, {len(expected):,} by Trawl"
    if query.kind == "events":
        return event_differences(query, expected, found)
    if query.kind == "top":
        return top_differences(query, expected, found)
    if sorted(map(order, expected)) == sorted(map(order, found)):
        return None
    if query.kind == "count":
        return f"{found[0][0]:,}, {expected[0][0]:,} by Trawl"
    return f"{sum(one != other for one, other in zip(expected, found))} rows differ"


def order(row):
    return tuple(str(value) for value in row)


def event_differences(query, expected, found):
    times = Counter(time_ns for time_ns, _ in expected)
    other_times = Counter(time_ns for time_ns, _ in found)
    if times != other_times:
        return f"{(other_times - times).total()} events have another timestamp"
    # Where the limit cut, which of several events of the last timestamp are there is open.
    last = min(times) if len(expected) == query.limit else None
    events = Counter((time_ns, canonical(event)) for time_ns, event in expected if time_ns != last)
    other_events = Counter((time_ns, canonical(event)) for time_ns, event in found if time_ns != last)
    if events != other_events:
        return f"{(other_events - events).total()} events are other ones"
    return None


def top_differences(query, expected, found):
    if [count for _, count in expected] != [count for _, count in found]:
        return "the counts differ"
    last = expected[-1][1] if len(expected) == query.limit else None
    if {order(row) for row in expected if row[1] != last} != {order(row) for row in found if row[1] != last}:
        return "the values differ"
    return None


def canonical(event):
    """An event as text that does not depend on the order of keys or on white space."""
    parsed = json.loads(event) if isinstance(event, str) else event
    return json.dumps(parsed, sort_keys=True)


def summary(query, rows):
    """The answer in a few words."""
    if query.kind == "count":
        return f"{rows[0][0]:,}"
    if query.kind == "events":
        return f"{len(rows):,} events"
    if query.kind == "chart":
        return f"{len(rows):,} rows, {sum(row[2] for row in rows):,} events"
    return f"{len(rows):,} rows, {sum(row[1] for row in rows):,} events"
