"""Bodies of OTLP and Loki as protobuf. OTLP's messages are those that OpenTelemetry publishes as a Python package;
Loki publishes none, so that its messages are declared here."""
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, timestamp_pb2
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

from .events import grouped
from .texts import SEVERITY_NUMBERS, compact, loki_metadata, loki_stream

NS_PER_S = 10**9


def otlp(events):
    request = ExportLogsServiceRequest()
    for service, group in grouped(events, lambda event: event.service):
        resource = request.resource_logs.add()
        resource.resource.attributes.add(key="service.name").value.string_value = service
        scope = resource.scope_logs.add()
        scope.scope.name = "bench"
        for event in group:
            record = scope.log_records.add(
                time_unix_nano=event.time_ns,
                severity_number=SEVERITY_NUMBERS.get(event.level, 0),
                severity_text=event.level,
                trace_id=bytes.fromhex(event.trace_id),
                span_id=bytes.fromhex(event.span_id),
            )
            record.body.string_value = event.message
            set_members(record.attributes, event.others)
    return request.SerializeToString()


def set_members(pairs, members):
    for name, value in members.items():
        set_value(pairs.add(key=name).value, value)


def set_value(target, value):
    match value:
        case str():
            target.string_value = value
        case bool():
            target.bool_value = value
        case int():
            target.int_value = value
        case float():
            target.double_value = value
        case list():
            target.array_value.SetInParent()
            for one in value:
                set_value(target.array_value.values.add(), one)
        case dict():
            target.kvlist_value.SetInParent()
            set_members(target.kvlist_value.values, value)


def push_request():
    """`PushRequest` of Loki's pkg/push/push.proto (https://github.com/grafana/loki)."""
    text, message = descriptor_pb2.FieldDescriptorProto.TYPE_STRING, descriptor_pb2.FieldDescriptorProto.TYPE_MESSAGE
    one, many = descriptor_pb2.FieldDescriptorProto.LABEL_OPTIONAL, descriptor_pb2.FieldDescriptorProto.LABEL_REPEATED
    messages = {
        "PushRequest": [("streams", 1, message, many, ".logproto.StreamAdapter")],
        "StreamAdapter": [("labels", 1, text, one, None), ("entries", 2, message, many, ".logproto.EntryAdapter")],
        "EntryAdapter": [
            ("timestamp", 1, message, one, ".google.protobuf.Timestamp"),
            ("line", 2, text, one, None),
            ("structuredMetadata", 3, message, many, ".logproto.LabelPairAdapter"),
        ],
        "LabelPairAdapter": [("name", 1, text, one, None), ("value", 2, text, one, None)],
    }
    file = descriptor_pb2.FileDescriptorProto(name="push.proto", package="logproto", syntax="proto3")
    file.dependency.append(timestamp_pb2.DESCRIPTOR.name)
    for title, fields in messages.items():
        declared = file.message_type.add(name=title)
        for name, number, kind, label, of in fields:
            declared.field.add(name=name, number=number, type=kind, label=label, type_name=of)
    pool = descriptor_pool.Default()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("logproto.PushRequest"))


PushRequest = push_request()


def loki(events):
    request = PushRequest()
    for (service, level), group in grouped(events, loki_stream):
        stream = request.streams.add(labels=f"{{service_name={compact(service)}, level={compact(level)}}}")
        for event in group:
            entry = stream.entries.add(line=event.message)
            entry.timestamp.seconds, entry.timestamp.nanos = divmod(event.time_ns, NS_PER_S)
            for name, value in loki_metadata(event):
                entry.structuredMetadata.add(name=name, value=value)
    return request.SerializeToString()
