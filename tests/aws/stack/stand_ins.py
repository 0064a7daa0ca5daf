"""Processes that stand in for AWS services, each on a free port of 127.0.0.1, ended with the test."""

import atexit
import ctypes
import os
import pathlib
import signal
import socket
import subprocess
import sys
import urllib.request

import boto3
from botocore.config import Config

from .wait import until

ROOT = pathlib.Path(__file__).resolve().parents[3]
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
LOGS = TARGET / "aws-logs"
REGION = "us-east-1"
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_REGION": REGION, "AWS_DEFAULT_REGION": REGION}


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


# https://man7.org/linux/man-pages/man2/PR_SET_PDEATHSIG.2const.html
PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None)


class Process:
    """A process with its log, killed with everything it started; it also ends when the test is killed."""

    def __init__(self, name, command, environment=None, directory=None, *, is_shown=False):
        LOGS.mkdir(parents=True, exist_ok=True)
        self.log = LOGS / f"{name}.log"
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                command, stdout=None if is_shown else log, stderr=None if is_shown else subprocess.STDOUT, cwd=directory, start_new_session=True,
                preexec_fn=lambda: LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL),
                env={**os.environ, **(environment or {})},
            )
        atexit.register(self.stop)

    def stop(self):
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()


class Service(Process):
    """A stand-in that answers HTTP at `url`."""

    def __init__(self, name, command, environment=None, directory=None, *, port, ready="/"):
        self.url = f"http://127.0.0.1:{port}"
        super().__init__(name, command, environment, directory)
        until(f"{name} answers at {self.url} (log: {self.log})", lambda: self.answers(ready), 60)

    def answers(self, path):
        if self.process.poll() is not None:
            raise AssertionError(f"it ended with status {self.process.returncode}: see {self.log}")
        try:
            urllib.request.urlopen(self.url + path, timeout=2).close()
        except urllib.error.HTTPError:
            pass
        except OSError:
            return False
        return True


def tool(name):
    """A program beside the Python that runs this, which `make aws-tools` set up."""
    return str(pathlib.Path(sys.executable).parent / name)


def moto():
    port = free_port()
    return Service("moto", [sys.executable, str(pathlib.Path(__file__).parent / "start_moto.py"), str(port)], port=port)


def ministack(environment=None):
    """S3, DynamoDB, Kinesis, Lambda, API Gateway and CloudFormation."""
    port = free_port()
    environment = {"BIND_HOST": "127.0.0.1", "GATEWAY_PORT": str(port), **CREDENTIALS, **(environment or {})}
    return Service("ministack", [sys.executable, str(pathlib.Path(__file__).parent / "start_ministack.py")], environment, port=port)


def kinesis_local():
    """Kinesis with the lineage of shards."""
    port = free_port()
    directory = TARGET / "kinesis-local/node_modules/kinesis-local"
    soon = {f"{what}_DURATION": "10ms" for what in ("CREATE_STREAM", "DELETE_STREAM", "SPLIT_SHARD", "MERGE_SHARDS", "UPDATE_SHARD_COUNT")}
    environment = {
        "KINESIS_MOCK_PLAIN_PORT": str(port), "KINESIS_MOCK_TLS_PORT": str(free_port()), "SHARD_LIMIT": "500", "ROOT_LOG_LEVEL": "ERROR", **soon,
    }
    return Service("kinesis-local", ["node", "main.js"], environment, directory, port=port, ready="/healthcheck")


def client(service, url):
    """A client of one service at an endpoint."""
    return boto3.client(
        service, endpoint_url=url, region_name=REGION, aws_access_key_id="test", aws_secret_access_key="test",
        config=Config(retries={"max_attempts": 10}, max_pool_connections=64, s3={"addressing_style": "path"}),
    )
