"""Points in time as nanoseconds since 1970."""

import calendar
import datetime
import decimal
import re
import time

SECOND = 1_000_000_000
RFC_3339 = re.compile(r"(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?(?:[Zz]|([+-])(\d\d):(\d\d))")


# Numbers below these are seconds, milliseconds, microseconds; from the last on they are nanoseconds.
UNITS = ((1e11, SECOND), (1e14, 1_000_000), (1e17, 1000))


def ns(moment):
    """Of an RFC 3339 timestamp, or of a number as Trawl reads it: its size tells the unit."""
    if isinstance(moment, (int, float)):
        unit = next((unit for limit, unit in UNITS if moment < limit), 1)
        return int(decimal.Decimal(repr(moment)) * unit)
    return of_text(moment)


def of_text(text):
    found = RFC_3339.fullmatch(text)
    assert found, f"{text!r} is no RFC 3339 timestamp"
    whole = calendar.timegm(tuple(map(int, found.groups()[:6])))
    if found[8]:
        whole -= (1 if found[8] == "+" else -1) * (int(found[9]) * 3600 + int(found[10]) * 60)
    return whole * SECOND + int((found[7] or "0").ljust(9, "0"))


def rfc_3339(nanoseconds):
    whole, fraction = divmod(nanoseconds, SECOND)
    moment = datetime.datetime.fromtimestamp(whole, datetime.UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{fraction:09}Z"


def to_the_millisecond(timestamp):
    """What is left of an RFC 3339 timestamp where milliseconds are the finest."""
    return rfc_3339(ns(timestamp) // 1_000_000 * 1_000_000)


def seconds(timestamp):
    """An RFC 3339 timestamp as a floating-point number of seconds."""
    return ns(timestamp) / SECOND


def is_recent(moment):
    """Whether it is of this test: at most ten minutes ago."""
    return time.time_ns() - 600 * SECOND < ns(moment) < time.time_ns() + SECOND
