"""An event source mapping from Kinesis to a function, with Lambda's rules.

https://docs.aws.amazon.com/lambda/latest/dg/services-kinesis-batchfailurereporting.html and with-kinesis: each shard has a
checkpoint and one batch at a time; parents come before children; a failed batch comes again, from the first failed
item on when the function says which, in two halves when it fails as a whole; a record that is too old, or was tried
too often, goes to the destination, whole.
"""

import base64
import json
import random
import threading
import time

from .functions import FunctionError, Throttled


class Mapping:
    """Drives `function` from a stream. `batch` gives the size of each batch, so that a retry may be cut anew."""

    def __init__(self, kinesis, stream, functions, function="persister", *, seed=0, batch_size=100, window=0.2,
                 max_attempts=None, max_age=None, bisects=True):
        self.kinesis, self.stream, self.functions, self.function = kinesis, stream, functions, function
        self.batch_size, self.window, self.max_attempts, self.max_age, self.bisects = batch_size, window, max_attempts, max_age, bisects
        self.random = random.Random(seed)
        self.lock = threading.Lock()
        self.destination = []
        self.checkpoints, self.threads, self.finished = {}, {}, set()
        self.redeliver = 0.0
        self.is_stopped = False
        self.supervisor = threading.Thread(target=self.supervise, daemon=True)
        self.supervisor.start()

    def supervise(self):
        while not self.is_stopped:
            shards = {shard["ShardId"]: shard for shard in self.list_shards()}
            for name, shard in shards.items():
                parents = [shard.get("ParentShardId"), shard.get("AdjacentParentShardId")]
                waits = any(parent in shards and parent not in self.finished for parent in parents)
                if name not in self.threads and not waits:
                    self.threads[name] = threading.Thread(target=self.poll, args=(name,), daemon=True)
                    self.threads[name].start()
            time.sleep(0.1)

    def list_shards(self):
        shards, token = [], None
        while True:
            page = self.kinesis.list_shards(**({"NextToken": token} if token else {"StreamName": self.stream}))
            shards += page["Shards"]
            token = page.get("NextToken")
            if not token:
                return shards

    def iterator(self, shard):
        after = self.checkpoints.get(shard)
        start = {"ShardIteratorType": "AFTER_SEQUENCE_NUMBER", "StartingSequenceNumber": after} if after else {"ShardIteratorType": "TRIM_HORIZON"}
        return self.kinesis.get_shard_iterator(StreamName=self.stream, ShardId=shard, **start)["ShardIterator"]

    def poll(self, shard):
        iterator = self.iterator(shard)
        while not self.is_stopped:
            if iterator is None:
                # Closed, and read to its end.
                self.finished.add(shard)
                return
            size = self.batch_size if self.batch_size == 1 else self.random.randint(1, self.batch_size)
            answer = self.kinesis.get_records(ShardIterator=iterator, Limit=size)
            iterator = answer.get("NextShardIterator")
            if answer["Records"]:
                before = self.checkpoints.get(shard)
                self.deliver(shard, answer["Records"])
                with self.lock:
                    goes_back = self.random.random() < self.redeliver
                if goes_back:
                    # What was delivered comes again, cut in another way.
                    self.checkpoints[shard] = before
                    iterator = self.iterator(shard)
            elif iterator is not None:
                time.sleep(self.window)

    def event(self, shard, records):
        arn = f"arn:aws:kinesis:us-east-1:000000000000:stream/{self.stream}"
        return {"Records": [{
            "kinesis": {
                "kinesisSchemaVersion": "1.0", "partitionKey": record["PartitionKey"], "sequenceNumber": record["SequenceNumber"],
                "data": base64.b64encode(record["Data"]).decode(), "approximateArrivalTimestamp": record["ApproximateArrivalTimestamp"].timestamp(),
            },
            "eventSource": "aws:kinesis", "eventVersion": "1.0", "eventID": f"{shard}:{record['SequenceNumber']}", "eventName": "aws:kinesis:record",
            "invokeIdentityArn": "arn:aws:iam::000000000000:role/test", "awsRegion": "us-east-1", "eventSourceARN": arn,
        } for record in records]}

    def deliver(self, shard, records):
        """Delivers until every record is done or given up; the checkpoint moves as far as that."""
        pending = [(records, 0)]
        while pending and not self.is_stopped:
            batch, attempts = pending.pop(0)
            age = time.time() - batch[0]["ApproximateArrivalTimestamp"].timestamp()
            if (self.max_attempts is not None and attempts > self.max_attempts) or (self.max_age is not None and age > self.max_age):
                with self.lock:
                    self.destination.append({"shard": shard, "records": batch})
                self.checkpoints[shard] = batch[-1]["SequenceNumber"]
                continue
            try:
                answer = json.loads(self.functions.invoke(self.function, json.dumps(self.event(shard, batch)).encode()))
            except Throttled:
                pending.insert(0, (batch, attempts))
                time.sleep(0.05)
                continue
            except FunctionError:
                if self.bisects and len(batch) > 1:
                    middle = len(batch) // 2
                    pending[:0] = [(batch[:middle], attempts + 1), (batch[middle:], attempts + 1)]
                else:
                    pending.insert(0, (batch, attempts + 1))
                time.sleep(0.02)
                continue
            failures = [failure["itemIdentifier"] for failure in (answer or {}).get("batchItemFailures") or []]
            numbers = [record["SequenceNumber"] for record in batch]
            places = [numbers.index(number) if number in numbers else 0 for number in failures]
            if places:
                first = min(places)
                if first:
                    self.checkpoints[shard] = numbers[first - 1]
                pending.insert(0, (batch[first:], attempts + (first == 0)))
                time.sleep(0.02)
            else:
                self.checkpoints[shard] = numbers[-1]

    def stop(self):
        self.is_stopped = True
        for thread in [self.supervisor, *self.threads.values()]:
            thread.join(timeout=10)
