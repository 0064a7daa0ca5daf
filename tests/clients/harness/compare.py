"""Whether what is found is what was sent, each once. An expected event has values, or functions that say whether a value is right."""

import collections

from .moments import RFC_3339, ns

# So many are named of those that are missing, that are there too often, and that differ.
NAMED = 3


def flat(value, path=""):
    """The leaves of an object by their dotted paths: how an event nests does not matter."""
    if not isinstance(value, dict) or not value:
        return {path: value}
    leaves = {}
    for name, inner in value.items():
        leaves |= flat(inner, f"{path}.{name}" if path else name)
    return leaves


def is_same(expected, found):
    if callable(expected):
        return expected(found)
    if isinstance(expected, bool) or isinstance(found, bool):
        return expected is found
    if isinstance(expected, list) and isinstance(found, list):
        return len(expected) == len(found) and all(map(is_same, expected, found))
    if isinstance(expected, dict) and isinstance(found, dict):
        return expected.keys() == found.keys() and all(is_same(expected[name], found[name]) for name in expected)
    return expected == found


def is_same_time(expected, found):
    """However it is written."""
    if callable(expected):
        return expected(found)
    is_time = isinstance(found, (int, float)) or (isinstance(found, str) and RFC_3339.fullmatch(found))
    return bool(is_time) and ns(expected) == ns(found)


def differences(expected, found):
    """Of one event: a line for each field that is not as expected."""
    expected, found = flat(expected), flat(found)
    for name in sorted(expected.keys() | found.keys()):
        if name not in found:
            yield f"{name} is missing, expected {expected[name]!r}"
        elif name not in expected:
            yield f"{name} is {found[name]!r}, expected no such field"
        elif not (is_same_time if name in ("timestamp", "@timestamp") else is_same)(expected[name], found[name]):
            yield f"{name} is {found[name]!r}, expected {expected[name]!r}"


def complaints(expected, found, number):
    """Whatever is wrong with what was found; `number` gives the number of an event."""
    by_number = collections.defaultdict(list)
    for event in found:
        by_number[number(event)].append(event)
    wanted = {number(event): event for event in expected}
    assert len(wanted) == len(expected), "the numbers of the events sent are not unique"
    missing = sorted(wanted.keys() - by_number.keys())
    strange = by_number.keys() - wanted.keys()
    doubled = sorted(each for each, events in by_number.items() if len(events) > 1 and each in wanted)
    if missing:
        yield f"{len(missing)} events are missing: {missing[:NAMED]}…{missing[-1]}"
    if doubled:
        yield f"{len(doubled)} events are there more than once: {doubled[:NAMED]}…{doubled[-1]}"
    if strange:
        yield f"{len(strange)} numbers were never sent: {[by_number[each][0] for each in list(strange)[:NAMED]]}"
    kinds = collections.defaultdict(list)
    for each in sorted(wanted.keys() & by_number.keys()):
        for difference in differences(wanted[each], by_number[each][0]):
            kinds[difference.split(" ")[0]].append(f"event {each}: {difference[:400]}")
    for lines in kinds.values():
        yield f"{len(lines)} × " + "; ".join(lines[:NAMED])
