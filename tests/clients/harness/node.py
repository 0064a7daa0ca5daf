"""Clients that are programs of Node."""

import json
import tempfile

from .programs import NODE_CLIENTS, run


def node(program, events, *arguments):
    """Has a program send `events`."""
    with tempfile.NamedTemporaryFile("w", suffix=".ndjson") as file:
        file.writelines(json.dumps(event) + "\n" for event in events)
        file.flush()
        run(["node", str(NODE_CLIENTS / program), file.name, *filter(None, arguments)])
