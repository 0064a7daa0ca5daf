"""Bodies of the protocols that are text: what a shipper would send for these events."""
import json
import re

from .events import flat, grouped

HOST = "bench-1"
SEVERITY_NUMBERS = {"TRACE": 1, "DEBUG": 5, "INFO": 9, "WARN": 13, "ERROR": 17, "FATAL": 21}  # OTLP
SYSLOG_SEVERITIES = {"TRACE": 7, "DEBUG": 7, "INFO": 6, "WARN": 4, "ERROR": 3, "FATAL": 2}
LOCAL0 = 16
NOT_IN_LABEL = re.compile(r"[^A-Za-z0-9_]")
NOT_IN_PARAM_NAME = re.compile(r'[^!-~]|[="\]]')
ESCAPED_IN_PARAM = re.compile(r'(["\\\]])')


def compact(value):
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def native(events):
    return b"".join(event.raw + b"\n" for event in events)


def bulk(events):
    """Each source line as it is, behind an action that names an index, as Beats and Fluent Bit write it."""
    return b"".join(b'{"create":{"_index":"logs"}}\n' + event.raw + b"\n" for event in events)


def otlp(events):
    """`service` is of the resource; other members are attributes, nested as they are."""
    resources = [
        {
            "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": service}}]},
            "scopeLogs": [{"scope": {"name": "bench"}, "logRecords": [otlp_record(event) for event in group]}],
        }
        for service, group in grouped(events, lambda event: event.service)
    ]
    return compact({"resourceLogs": resources}).encode()


def otlp_record(event):
    record = {
        "timeUnixNano": str(event.time_ns),
        "severityNumber": SEVERITY_NUMBERS.get(event.level, 0),
        "severityText": event.level,
        "body": {"stringValue": event.message},
        "attributes": otlp_members(event.others),
    }
    if event.trace_id:
        record["traceId"] = event.trace_id
    if event.span_id:
        record["spanId"] = event.span_id
    return record


def otlp_members(members):
    return [{"key": name, "value": otlp_value(value)} for name, value in members.items()]


def otlp_value(value):
    match value:
        case str():
            return {"stringValue": value}
        case bool():
            return {"boolValue": value}
        case int():
            return {"intValue": str(value)}
        case float():
            return {"doubleValue": value}
        case list():
            return {"arrayValue": {"values": [otlp_value(one) for one in value]}}
        case dict():
            return {"kvlistValue": {"values": otlp_members(value)}}
    return {}


def loki(events):
    streams = [
        {
            "stream": {"service_name": service, "level": level},
            "values": [[str(event.time_ns), event.message, dict(loki_metadata(event))] for event in group],
        }
        for (service, level), group in grouped(events, loki_stream)
    ]
    return compact({"streams": streams}).encode()


def loki_stream(event):
    """Few labels, as Loki wants them."""
    return event.service, event.level


def loki_metadata(event):
    """All members that are no label: names as labels have them, values as texts."""
    for name in ("trace_id", "span_id"):
        if value := getattr(event, name):
            yield name, value
    for name, value in flat(event.others, "_"):
        yield NOT_IN_LABEL.sub("_", name), value


def hec(events):
    """The event as an object without its time, which the collector has a place for."""
    return "".join(
        compact({"time": event.time_ns / 1e9, "host": HOST, "source": "bench", "sourcetype": "_json", "event": without_time(event)})
        for event in events
    ).encode()


def without_time(event):
    named = {name: getattr(event, name) for name in ("service", "level", "message", "trace_id", "span_id")}
    return {name: value for name, value in named.items() if value} | event.others


def datadog(events):
    """The level is the `status`; times are in ms."""
    about = {"ddsource": "bench", "ddtags": "env:bench,team:logs", "hostname": HOST}
    logs = []
    for event in events:
        log = {**without_time(event), **about, "status": event.level.lower(), "timestamp": event.time_ns // 1_000_000}
        log.pop("level", None)
        logs.append(log)
    return compact(logs).encode()


def syslog(events):
    """RFC 5424, each message behind its length (RFC 6587): messages of several lines stay whole."""
    frames = []
    for event in events:
        message = syslog_message(event).encode()
        frames.append(b"%d %s" % (len(message), message))
    return b"".join(frames)


def escaped(value):
    return ESCAPED_IN_PARAM.sub(r"\\\1", value)


def syslog_message(event):
    priority = LOCAL0 * 8 + SYSLOG_SEVERITIES.get(event.level, 6)
    members = {"trace_id": event.trace_id, "span_id": event.span_id, **event.others}
    params = "".join(
        f' {NOT_IN_PARAM_NAME.sub("_", name)}="{escaped(value)}"'
        for name, value in flat(members, ".")
        if value
    )
    structured = f"[bench@32473{params}]" if params else "-"
    return f"<{priority}>1 {event.timestamp} {HOST} {event.service or '-'} - - {structured} {event.message}"
