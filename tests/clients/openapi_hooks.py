"""How schemathesis writes bodies that are not JSON, and what it leaves out: test_openapi.py has it load this."""

import schemathesis


@schemathesis.serializer("application/x-ndjson", "application/x-protobuf")
def as_it_is(_context, value):
    return value if isinstance(value, bytes) else str(value).encode()


@schemathesis.hook
def map_query(_context, query):
    """Nothing new comes: to wait for it takes its time and shows nothing."""
    if query and "wait" in query:
        query["wait"] = "0s"
    return query
