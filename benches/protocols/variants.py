"""What is measured: each protocol in each of the compressions that its clients use most."""
from collections.abc import Callable
from dataclasses import dataclass

import cramjam

from . import protobufs, texts

NDJSON, JSON, PROTOBUF = "application/x-ndjson", "application/json", "application/x-protobuf"


@dataclass(frozen=True)
class Protocol:
    name: str
    title: str
    path: str
    content_type: str
    encode: Callable  # a list of events → the body
    # Share of native events per CPU second that it has to reach.
    required: float | None = None
    # Its bodies are compressed without a header saying so.
    compressed_by_itself: bool = False


@dataclass(frozen=True)
class Variant:
    protocol: Protocol
    compression: str

    def headers(self):
        headers = {"Content-Type": self.protocol.content_type}
        if self.compression != "identity" and not self.protocol.compressed_by_itself:
            headers["Content-Encoding"] = self.compression
        return headers


COMPRESSIONS = {
    "identity": lambda body: body,
    "gzip": lambda body: bytes(cramjam.gzip.compress(body, 6)),
    "zstd": lambda body: bytes(cramjam.zstd.compress(body, 3)),
    "snappy": lambda body: bytes(cramjam.snappy.compress_raw(body)),
}

NATIVE = Protocol("native", "native NDJSON", "/v1/events", NDJSON, texts.native)
OTLP = Protocol("otlp", "OTLP protobuf", "/v1/logs", PROTOBUF, protobufs.otlp, required=0.7)
OTLP_JSON = Protocol("otlp-json", "OTLP JSON", "/v1/logs", JSON, texts.otlp)
BULK = Protocol("bulk", "Elasticsearch `_bulk`", "/_bulk", NDJSON, texts.bulk, required=0.7)
LOKI = Protocol("loki", "Loki push, protobuf", "/loki/api/v1/push", PROTOBUF, protobufs.loki, required=0.7, compressed_by_itself=True)
LOKI_JSON = Protocol("loki-json", "Loki push, JSON", "/loki/api/v1/push", JSON, texts.loki, required=0.7)
HEC = Protocol("hec", "Splunk HEC", "/services/collector/event", JSON, texts.hec)
DATADOG = Protocol("datadog", "Datadog", "/api/v2/logs", JSON, texts.datadog)
SYSLOG = Protocol("syslog", "syslog, RFC 5424 framed", "/v1/syslog", "text/plain", texts.syslog)

# Native first in each compression: the others of that compression are compared with it, and run right after it.
VARIANTS = [
    Variant(protocol, compression)
    for compression, protocols in {
        "identity": [NATIVE, OTLP, OTLP_JSON, BULK, LOKI_JSON, HEC, DATADOG, SYSLOG],
        "gzip": [NATIVE, OTLP, OTLP_JSON, BULK, LOKI_JSON, HEC, DATADOG],
        "zstd": [NATIVE, OTLP],
        "snappy": [NATIVE, LOKI],
    }.items()
    for protocol in protocols
]
