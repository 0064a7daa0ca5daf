"""The rules of the event source mapping: retries, partial failures, halving, ages. `make aws-test` runs these."""

import datetime
import json
import threading
import unittest

from stack.functions import FunctionError
from stack.mapping import Mapping


class Rules(unittest.TestCase):
    """The mapping itself, against a scripted function."""

    def run_mapping(self, answers, records=8, **settings):
        class Script:
            def __init__(self):
                self.seen = []

            def invoke(self, _name, payload):
                numbers = [record["kinesis"]["sequenceNumber"] for record in json.loads(payload)["Records"]]
                self.seen.append(numbers)
                answer = answers(numbers)
                if answer == "error":
                    raise FunctionError("{}")
                return json.dumps(answer).encode()

        script = Script()
        mapping = Mapping.__new__(Mapping)
        mapping.functions, mapping.function, mapping.stream = script, "f", "s"
        mapping.lock, mapping.destination, mapping.checkpoints, mapping.is_stopped = threading.Lock(), [], {}, False
        mapping.max_attempts, mapping.max_age, mapping.bisects = settings.get("max_attempts"), settings.get("max_age"), settings.get("bisects", True)
        now = datetime.datetime.now(datetime.timezone.utc)
        batch = [{"SequenceNumber": str(n), "PartitionKey": "k", "Data": b"x", "ApproximateArrivalTimestamp": now} for n in range(1, records + 1)]
        mapping.deliver("shard", batch)
        return script.seen, mapping

    def test_a_partial_failure_comes_again_from_the_first_failed_item(self):
        failed = []

        def answers(numbers):
            if not failed:
                failed.append(True)
                return {"batchItemFailures": [{"itemIdentifier": "6"}, {"itemIdentifier": "4"}]}
            return {"batchItemFailures": []}

        seen, mapping = self.run_mapping(answers)
        self.assertEqual(seen, [[str(n) for n in range(1, 9)], [str(n) for n in range(4, 9)]])
        self.assertEqual(mapping.checkpoints["shard"], "8")

    def test_a_failed_batch_is_halved_until_the_bad_record_is_alone(self):
        seen, mapping = self.run_mapping(lambda numbers: "error" if "5" in numbers else {}, max_attempts=5)
        self.assertEqual([r["SequenceNumber"] for e in mapping.destination for r in e["records"]], ["5"])
        good = [n for numbers in seen if "5" not in numbers for n in numbers]
        self.assertEqual(sorted(good), ["1", "2", "3", "4", "6", "7", "8"])

    def test_what_is_too_old_is_not_delivered(self):
        seen, mapping = self.run_mapping(lambda _: {}, max_age=-1)
        self.assertEqual(seen, [])
        self.assertEqual(len(mapping.destination[0]["records"]), 8)


if __name__ == "__main__":
    unittest.main(verbosity=2)
