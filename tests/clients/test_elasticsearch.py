"""The Python client of Elasticsearch: its helpers over `_bulk`, gzip.

The client tries again by itself three times at once, which is too soon for a restart. Then the application calls the helper
again with the same documents: it cuts them into the same requests, each of which the server knows if it had taken it.
"""

import base64
import unittest

from elastic_transport import ConnectionError as NoConnection
from elasticsearch import Elasticsearch, helpers
from harness import data
from harness.case import ClientCase
from harness.wait import until


def document(event):
    """As a shipper of logs would write it."""
    return {"@timestamp": event["timestamp"], **{name: value for name, value in event.items() if name != "timestamp"}}


def index(event):
    return f"logs-{event['service']}-default"


def actions(events):
    return [{"_op_type": "create", "_index": index(event), "_source": document(event)} for event in events]


def again_until_done(what, bulk):
    """Calls `bulk` until no connection breaks."""

    def done():
        try:
            bulk()
        except NoConnection:
            return False
        return True

    until(what, done, every=0.2)


class ElasticsearchPython(ClientCase):
    def setUp(self):
        self.events = data.events()
        self.server = self.serve(restart_at=10)

    def client(self, **credential):
        client = Elasticsearch(self.server.url, http_compress=True, **credential)
        self.addCleanup(client.close)
        return client

    def check_documents(self):
        self.check([{"_index": index(event), **document(event)} for event in self.events])

    def api_key(self):
        """As Elasticsearch writes keys: `id:key` in base64."""
        return {"api_key": base64.b64encode(f"trawl:{self.server.key}".encode()).decode()} if self.server.key else {}

    def basic_auth(self):
        return {"basic_auth": ("trawl", self.server.key)} if self.server.key else {}

    def test_every_document_of_bulk_is_found_once_though_an_answer_was_lost(self):
        client = self.client(**self.api_key())
        answers = []

        def bulk():
            answers[:] = [helpers.bulk(client, actions(self.events), chunk_size=500)]

        again_until_done("helpers.bulk has sent all", bulk)
        self.assertEqual(answers, [(len(self.events), [])])
        self.check_documents()

    def test_every_document_of_parallel_bulk_is_found_once_though_an_answer_was_lost(self):
        client = self.client(**self.basic_auth())
        outcomes = []

        def bulk():
            outcomes[:] = [is_good for is_good, _ in helpers.parallel_bulk(client, actions(self.events), thread_count=4, chunk_size=500)]

        again_until_done("helpers.parallel_bulk has sent all", bulk)
        self.assertEqual(outcomes, [True] * len(self.events))
        self.check_documents()

    def test_the_client_takes_the_server_for_what_it_expects(self):
        client = self.client(**self.api_key())
        self.assertTrue(client.ping())
        self.assertIn("number", client.info()["version"])
        self.assertIn(client.cluster.health()["status"], ("green", "yellow"))


if __name__ == "__main__":
    unittest.main()
