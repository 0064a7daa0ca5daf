"""Events as records of OpenTelemetry, and what Trawl makes of these: docs/protocols.md."""

from .moments import is_recent

# What has a place of its own in a record or its resource; anything else is an attribute.
OF_THE_RECORD = ("timestamp", "level", "message", "service", "trace_id", "span_id")
# https://opentelemetry.io/docs/specs/otel/logs/data-model/#field-severitynumber
SEVERITY_NUMBERS = {"TRACE": 1, "DEBUG": 5, "INFO": 9, "WARN": 13, "ERROR": 17, "FATAL": 21}


def attributes(event):
    return {name: value for name, value in event.items() if name not in OF_THE_RECORD}


def number(event):
    return event["attributes"]["n"]


def expected(event):
    """The service is that of the resource."""
    return {
        **{name: value for name, value in event.items() if name in OF_THE_RECORD},
        "observed_timestamp": is_recent,
        "severity_number": SEVERITY_NUMBERS[event["level"]],
        "attributes": attributes(event),
        "resource": {"deployment.environment": "test"},
        "scope": {"name": "tests"},
    }
