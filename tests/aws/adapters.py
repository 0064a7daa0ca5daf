"""Runs the conformance tests of the adapters against every stand-in there is."""

import os
import subprocess
import sys

from stack import stand_ins
from stack.stand_ins import ROOT, TARGET


def localstack():
    """S3 and Kinesis of LocalStack, on this machine without Docker."""
    python = TARGET / "localstack-venv/bin/python"
    port = stand_ins.free_port()
    environment = {
        "GATEWAY_LISTEN": f"127.0.0.1:{port}", "DNS_ADDRESS": "0", "SKIP_SSL_CERT_DOWNLOAD": "1", "DISABLE_EVENTS": "1",
        "LOCALSTACK_VOLUME_DIR": str(TARGET / "localstack"), **stand_ins.CREDENTIALS,
    }
    command = [str(python), "-m", "localstack.runtime.main"]
    return stand_ins.Service("localstack", command, environment, port=port, ready="/_localstack/health")


moto, ministack, kinesis, localstack = stand_ins.moto(), stand_ins.ministack(), stand_ins.kinesis_local(), localstack()
both = f"moto={moto.url},ministack={ministack.url}"
environment = {
    **os.environ,
    "TRAWL_TEST_DYNAMODB": both,
    "TRAWL_TEST_S3": f"{both},localstack={localstack.url}",
    "TRAWL_TEST_KINESIS": f"{both},kinesis-local={kinesis.url},localstack={localstack.url}",
}
# Of the whole workspace, so that nothing is compiled again that its tests have.
command = ["cargo", "nextest", "run", "--locked", "--workspace", "--test", "aws", "--run-ignored", "only"]
sys.exit(subprocess.run(command, cwd=ROOT, env=environment).returncode)
