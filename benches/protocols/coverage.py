"""Which protocols VictoriaLogs takes, and which of them Trawl does. Kept by hand; the page says as of when."""

SOURCE = "https://docs.victoriametrics.com/victorialogs/data-ingestion/"
AS_OF = "November 2026 (its repository's `docs/victorialogs/data-ingestion/`, README of commit fa7f0d56)"

PROTOCOLS = [
    # protocol, VictoriaLogs, Trawl
    ("JSON lines", "`/insert/jsonline`", "`/v1/events`"),
    ("Elasticsearch bulk", "`/insert/elasticsearch/_bulk`", "`/_bulk`, `/{index}/_bulk`"),
    ("OTLP/HTTP, protobuf", "`/insert/opentelemetry/v1/logs`", "`/v1/logs`"),
    ("OTLP/HTTP, JSON", "no: its source answers that JSON is not supported", "`/v1/logs`"),
    ("OTLP/gRPC", "not listed", "**no**"),
    ("Loki push, protobuf and JSON", "`/insert/loki/api/v1/push`; JSON in a line becomes fields", "`/loki/api/v1/push`; a line stays a line"),
    ("Datadog", "yes", "`/api/v2/logs`, `/v1/input`"),
    ("Splunk HEC, events", "`/services/collector/event`", "`/services/collector/event`"),
    ("Splunk HEC, raw lines", "not listed", "`/services/collector/raw`"),
    ("syslog over TCP, with TLS", "`-syslog.listenAddr.tcp`, `-syslog.tls`", "**no**"),
    ("syslog over UDP", "`-syslog.listenAddr.udp`", "**no**"),
    ("syslog on a Unix socket", "`-syslog.listenAddr.unix`", "**no**"),
    ("syslog lines over HTTP", "not listed", "`/v1/syslog`: rsyslog's omhttp, syslog-ng's http()"),
    ("CEF and CEE inside syslog", "become fields", "**no**: they stay text of the message"),
    ("journald (systemd-journal-upload)", "`/insert/journald`", "**no**: by Vector, Fluent Bit or the Collector, which read the journal"),
    ("Amazon Data Firehose", "not listed", "`/firehose`"),
]

COLLECTORS = [
    # collector, how VictoriaLogs says to connect it, how Trawl does
    ("Filebeat", "bulk", "bulk"),
    ("Logstash", "bulk, JSON lines", "bulk"),
    ("Fluent Bit", "JSON lines", "JSON lines, bulk, Loki, OTLP, HEC, Datadog"),
    ("Fluentd", "JSON lines", "JSON lines, bulk"),
    ("Vector", "bulk, JSON lines", "bulk, JSON lines, Loki, OTLP, HEC, Datadog"),
    ("Promtail, Grafana Agent, Alloy", "Loki", "Loki; Alloy also OTLP"),
    ("OpenTelemetry Collector", "OTLP, bulk", "OTLP, HEC"),
    ("OpenTelemetry SDKs", "OTLP protobuf", "OTLP protobuf and JSON"),
    ("Datadog agent", "Datadog", "Datadog"),
    ("Docker's Splunk driver", "HEC", "HEC"),
    ("rsyslog, syslog-ng", "syslog over TCP or UDP", "syslog over HTTP, bulk"),
    ("Telegraf", "bulk, JSON lines", "not tried"),
    ("journald without another collector", "systemd-journal-upload", "**no**"),
]
