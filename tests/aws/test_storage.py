"""Storage that errs: S3 and DynamoDB throttle, fail, cut answers short or lose them, and an iterator of the stream
expires. What was acknowledged is found, once."""

import collections
import threading
import unittest

from stack.proxy import Proxy
from stack.system import Services, System, event, numbers

SEED = 5


def plan(kinds, every=4):
    """Goes wrong at every so many calls of an operation, in turn in each of the ways that `kinds` names for it, or for
    every operation under `*`."""
    counts, lock = collections.Counter(), threading.Lock()

    def fault(operation):
        ways = kinds.get(operation, kinds.get("*"))
        with lock:
            count = counts[operation]
            counts[operation] += 1
        return ways[count // every % len(ways)] if ways and count % every == 1 else None

    return fault


class Storage(unittest.TestCase):
    def start(self, **services):
        self.proxies = {}
        for service, url in services.items():
            self.proxies[service] = Proxy(url, SEED)
            self.addCleanup(self.proxies[service].close)
        self.system = System(maps=False)
        self.addCleanup(self.system.close)
        for service, proxy in self.proxies.items():
            self.system.functions.environment[f"AWS_ENDPOINT_URL_{service}"] = proxy.url
        return self.system

    def calm(self):
        for proxy in self.proxies.values():
            proxy.fault = lambda _operation: None

    def run_pipeline(self, batches=30):
        system = self.system
        system.map(batch_size=5, seed=SEED)
        for batch in range(batches):
            system.push([event(n) for n in range(batch * 100, batch * 100 + 100)])
            if batch % 5 == 4:
                found = system.search("* | fields n")
                seen = numbers(found)
                self.assertEqual(len(seen), len(set(seen)), "an event was seen twice")
                if found["status"] == "complete":
                    self.assertEqual(seen, list(range(batch * 100 + 100)))
                else:
                    self.assertEqual((found["status"], bool(found["missing"])), ("partial", True), found.get("error"))
        self.calm()
        system.wait_until_persisted()
        system.compact()
        total = batches * 100
        found = system.search("* | fields n")
        self.assertEqual((found["status"], numbers(found)), ("complete", list(range(total))))
        self.assertEqual(system.status()["events"], total)
        self.assertEqual(system.mapping.destination, [])

    def met(self, service, **kinds):
        proxy = self.proxies[service]
        for kind, operation in kinds.items():
            self.assertGreater(proxy.counted(operation, kind), 0, (operation, kind))

    def test_s3_errs(self):
        self.start(S3=Services.shared().storage.url)
        self.proxies["S3"].fault = plan({"S3 GET": ["throttle", "error", "cut", "lose"], "S3 PUT": ["throttle", "error", "lose"]}, every=3)
        self.run_pipeline()
        self.met("S3", cut="S3 GET", lose="S3 PUT")
        self.met("S3", throttle="S3 PUT", error="S3 PUT")

    def test_dynamodb_errs(self):
        self.start(DYNAMODB=Services.shared().storage.url)
        self.proxies["DYNAMODB"].fault = plan({"*": ["throttle", "error", "lose"]}, every=6)
        self.run_pipeline()
        self.met("DYNAMODB", lose="TransactWriteItems")
        self.met("DYNAMODB", lose="PutItem", throttle="Query", error="UpdateItem")

    def test_iterators_expire(self):
        self.start(KINESIS=Services.shared().kinesis.url)
        self.proxies["KINESIS"].fault = plan({"GetRecords": ["expire"]}, every=3)
        self.run_pipeline(batches=15)
        self.met("KINESIS", expire="GetRecords")


if __name__ == "__main__":
    unittest.main(verbosity=2)
