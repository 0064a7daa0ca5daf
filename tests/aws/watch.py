"""Serves the functions with cargo-lambda, over stand-ins for AWS; ends with Ctrl-C."""

import hashlib
import os
import subprocess

from stack import stand_ins
from stack.stand_ins import CREDENTIALS, ROOT

NAME, KEY = "trawl", "trawl-sample-key"
stand_in = stand_ins.ministack()
stand_ins.client("s3", stand_in.url).create_bucket(Bucket=NAME)
stand_ins.client("kinesis", stand_in.url).create_stream(StreamName=NAME, ShardCount=2)
stand_ins.client("dynamodb", stand_in.url).create_table(
    TableName=NAME, BillingMode="PAY_PER_REQUEST",
    AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in ("pk", "sk")],
    KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
)
environment = {
    **os.environ, **CREDENTIALS, "AWS_ENDPOINT_URL": stand_in.url, "AWS_ENDPOINT_URL_LAMBDA": "http://127.0.0.1:9000",
    "TRAWL_STREAM": NAME, "TRAWL_BUCKET": NAME, "TRAWL_TABLE": NAME, "TRAWL_SCAN_WORKER": "scan-worker", "TRAWL_COORDINATOR": "coordinator",
    "TRAWL_API_KEY_SHA256": hashlib.sha256(KEY.encode()).hexdigest(),
}
print(f"AWS stands in at {stand_in.url}; the API key is {KEY}", flush=True)
command = ["cargo", "lambda", "watch", "--invoke-address", "127.0.0.1", "--invoke-port", "9000", "--release", "--ignore-changes"]
try:
    subprocess.run(command, cwd=ROOT, env=environment)
except KeyboardInterrupt:
    pass
