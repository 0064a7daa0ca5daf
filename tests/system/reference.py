"""What each query should find, worked out without any of Trawl's code.

Reads real logs (NDJSON files) and a list of queries. Trawl's own text of a query is never looked at: beside it
stands a Python expression that says of one event whether it should match. Writes one JSON object a query:

    lines   the matching events, as numbers of lines counted over all files from 0
    keys    with "order_by" and "first": the values of that field in the first events, in their order
    shown   with "shown": what is left of each event
    rows    with "keep" and "table": the rows of the table

Usage: reference.py QUERIES.json FILE…
Only the standard library is used. `docs/query.md` is the specification.
"""

import json
import math
import re
import sys
from collections import Counter, defaultdict

NUMBER = re.compile(r"-?\d+(\.\d+)?([eE][+-]?\d+)?", re.ASCII)
RANKS = {
    name: rank
    for rank, names in enumerate(
        [
            "trace verbose finest",
            "debug fine",
            "info information notice",
            "warn warning",
            "error err severe",
            "fatal critical crit alert emerg emergency panic",
        ]
    )
    for name in names.split()
}
TRACE, DEBUG, INFO, WARN, ERROR, FATAL = range(6)


def strings(value):
    """Every string in a JSON value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from strings(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from strings(inner)


def leaves(value):
    """A value, or the values of an array at any depth."""
    if isinstance(value, list):
        for inner in value:
            yield from leaves(inner)
    else:
        yield value


def at(value, path):
    """The values under a dotted path; keys may hold dots themselves, arrays are looked through."""
    if isinstance(value, list):
        for inner in value:
            yield from at(inner, path)
    elif isinstance(value, dict):
        for key, inner in value.items():
            if key == path:
                yield from leaves(inner)
            elif path.startswith(key + "."):
                yield from at(inner, path[len(key) + 1 :])


def epoch_ns(text):
    """RFC 3339 in UTC as nanoseconds since 1970."""
    import calendar

    whole, _, fraction = text.rstrip("Z").partition(".")
    year, month, day, hour, minute, second = map(int, re.findall(r"\d+", whole))
    return calendar.timegm((year, month, day, hour, minute, second)) * 10**9 + int((fraction or "0").ljust(9, "0"))


def word_character(text):
    return text.isalnum() or text == "_"


class Asked:
    """Compiled patterns, one each, whatever number of events they are asked about."""

    patterns = {}

    @classmethod
    def of(cls, kind, text, flags=0):
        key = (kind, text, flags)
        if key not in cls.patterns:
            cls.patterns[key] = kind(text, flags)
        return cls.patterns[key]


def regex_pattern(text, flags):
    return re.compile(text, re.ASCII | flags)


def bordered(text, begin, end):
    before = r"(?<!\w)" if begin and word_character(text[0]) else ""
    after = r"(?!\w)" if end and word_character(text[-1]) else ""
    return re.compile(before + re.escape(text) + after, re.IGNORECASE)


def phrase_pattern(text, _):
    return bordered(text, True, True)


def prefix_pattern(text, _):
    return bordered(text, True, False)


def suffix_pattern(text, _):
    return bordered(text, False, True)


def substring_pattern(text, _):
    return bordered(text, False, False)


class Event:
    """One event, with what the expressions may ask of it."""

    def __init__(self, fields):
        self.fields = fields
        self.texts = [text for key, value in fields.items() if key != "timestamp" for text in strings(value)]
        # Most events do not hold most words: one look at all texts says so.
        self.folded = "\n".join(self.texts).lower()
        self.time = epoch_ns(fields["timestamp"])

    def values(self, path):
        return list(at(self.fields, path))

    def find(self, kind, text, path):
        pattern = Asked.of(kind, text)
        if path is None:
            return text.lower() in self.folded and any(pattern.search(inner) for inner in self.texts)
        return any(isinstance(value, str) and pattern.search(value) for value in self.values(path))

    def has(self, text, path=None):
        """The word or phrase."""
        return self.find(phrase_pattern, text, path)

    def prefix(self, text, path=None):
        return self.find(prefix_pattern, text, path)

    def suffix(self, text, path=None):
        return self.find(suffix_pattern, text, path)

    def substring(self, text, path=None):
        return self.find(substring_pattern, text, path)

    def regex(self, pattern, path=None, flags=0):
        compiled = Asked.of(regex_pattern, pattern, flags)
        texts = self.texts if path is None else [text for text in self.values(path) if isinstance(text, str)]
        return any(compiled.search(text) for text in texts)

    def numbers(self, path):
        """Numbers, and strings that spell one."""
        found = []
        for value in self.values(path):
            if isinstance(value, (int, float)) and not isinstance(value, bool):
                found.append(value)
            elif isinstance(value, str) and NUMBER.fullmatch(value):
                found.append(float(value) if re.search("[.eE]", value) else int(value))
        return found

    def some(self, path, passes):
        return any(passes(number) for number in self.numbers(path))

    def exact(self, path, wanted):
        return any(type(value) is type(wanted) and value == wanted for value in self.values(path))

    def exists(self, path):
        def below(value, rest):
            if isinstance(value, list):
                return any(below(inner, rest) for inner in value)
            if not isinstance(value, dict):
                return False
            for key, inner in value.items():
                if key == rest and inner is not None:
                    return True
                if rest.startswith(key + ".") and below(inner, rest[len(key) + 1 :]):
                    return True
            return False

        return below(self.fields, path)

    def rank(self):
        return RANKS.get(str(self.fields.get("level")).strip().lower(), -1)

    def group(self, path):
        """The groups that an event is in: its distinct values, or none at all."""
        distinct = []
        for value in self.values(path):
            if value not in distinct:
                distinct.append(value)
        return distinct or [None]

    def first(self, path):
        return next(iter(self.values(path)), None)

    def within(self, begin, end):
        return epoch_ns(begin) <= self.time < epoch_ns(end)


def cell_order(cell):
    kinds = [(int, float), str, bool, type(None)]
    if isinstance(cell, bool):
        return (2, cell)
    return next((place, cell if cell is not None else 0) for place, kind in enumerate(kinds) if isinstance(cell, kind))


def grouped(kept):
    """Pairs of groups and what was kept, as rows in the order of their groups."""
    groups = defaultdict(list)
    for key, value in kept:
        groups[key].append(value)
    return sorted(groups.items(), key=lambda item: [cell_order(cell) for cell in item[0]])


def counts(kept):
    """Rows of groups and how often each came up."""
    return [[*key, len(values)] for key, values in grouped((key, None) for key in kept)]


def top(kept, most):
    """The most frequent values; of equally frequent ones the lesser first."""
    ranked = sorted(Counter(kept).items(), key=lambda item: (-item[1], cell_order(item[0])))
    return [[value, count] for value, count in ranked[:most]]


def percentile(values, percent):
    ordered = sorted(values)
    place = percent / 100 * (len(ordered) - 1)
    low = math.floor(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


def bucket(time_ns, width_seconds):
    import datetime

    start = time_ns // 10**9 // width_seconds * width_seconds
    return datetime.datetime.fromtimestamp(start, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.000Z")


class Question:
    """A query of the list, and what it has found so far."""

    def __init__(self, asked):
        self.asked = asked
        self.matches = eval("lambda e: " + asked["matches"])
        self.keep = eval("lambda e: " + asked["keep"]) if "keep" in asked else None
        self.shown = eval("lambda e: " + asked["shown"]) if "shown" in asked else None
        self.lines, self.kept, self.keyed, self.views = [], [], [], []

    def see(self, line, event):
        if not self.matches(event):
            return
        self.lines.append(line)
        if self.keep:
            self.kept.extend(self.keep(event))
        if self.shown:
            self.views.append(self.shown(event))
        if "order_by" in self.asked:
            value = event.first(self.asked["order_by"])
            self.keyed.append((epoch_ns(value) if self.asked["order_by"] == "timestamp" else value, value))

    def answer(self):
        answer = {"lines": self.lines}
        if "order_by" in self.asked:
            self.keyed.sort(key=lambda pair: pair[0], reverse=self.asked.get("descending", True))
            answer["keys"] = [value for _, value in self.keyed[: self.asked["first"]]]
        if self.shown:
            answer["shown"] = self.views
        if "table" in self.asked:
            answer["rows"] = eval(self.asked["table"], globals(), {"kept": self.kept})
        return answer


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        questions = [Question(asked) for asked in json.load(file)]
    line = 0
    for path in sys.argv[2:]:
        # Lines end with a line feed alone: other characters that Python takes for one stand inside events.
        with open(path, encoding="utf-8", newline="\n") as file:
            for text in file:
                event = Event(json.loads(text))
                for question in questions:
                    question.see(line, event)
                line += 1
    for question in questions:
        print(json.dumps(question.answer()))


if __name__ == "__main__":
    main()
