"""What the server does is what openapi.yaml says: schemathesis sends it what the description allows, and what it does not."""

import unittest

from harness import data
from harness.programs import ROOT, TARGET, run
from harness.server import Server

DESCRIPTION = ROOT / "openapi.yaml"
PROGRAMS = TARGET / "clients-venv/bin"
CHECKS = [
    "not_a_server_error", "status_code_conformance", "content_type_conformance", "response_schema_conformance", "response_headers_conformance",
]
# Requests of each operation and kind. A run tries what another does, on any machine: without a time it ends by their number.
EXAMPLES, SEED = 25, 1
# It could revoke the very key that the others are asked with.
REVOKING = "revokeKey"


class OpenApi(unittest.TestCase):
    def test_the_description_is_valid(self):
        run([str(PROGRAMS / "openapi-spec-validator"), str(DESCRIPTION)])

    def test_the_server_answers_as_described(self):
        server = Server()
        self.addCleanup(server.stop)
        server.push(data.simulated(1000))
        key = ["--header", f"Authorization: Bearer {server.admin_key}"] if server.admin_key else []
        run([
            str(PROGRAMS / "schemathesis"), "--no-color", "run", str(DESCRIPTION), "--url", server.url, "--checks", ",".join(CHECKS),
            "--max-examples", str(EXAMPLES), "--seed", str(SEED), "--generation-database", "none",
            "--workers", "2", "--continue-on-failure", "--exclude-operation-id", REVOKING, *key,
        ], directory=server.directory.name, SCHEMATHESIS_HOOKS=str(ROOT / "tests/clients/openapi_hooks.py"))


if __name__ == "__main__":
    unittest.main()
