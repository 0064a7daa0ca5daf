"""Nobody gets in without a key, by any protocol; the tests of the clients show that each gets in with one."""

import unittest
import urllib.error
import urllib.request

from harness.server import Server, has_keys

ROUTES = [
    "/v1/events", "/v1/logs", "/v1/syslog", "/_bulk", "/logs/_bulk", "/loki/api/v1/push", "/services/collector", "/services/collector/event",
    "/services/collector/raw", "/api/v2/logs", "/v1/input", "/firehose",
]
WRONG = [
    {}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic dHJhd2w6d3Jvbmc="}, {"Authorization": "ApiKey dHJhd2w6d3Jvbmc="},
    {"Authorization": "Splunk wrong"}, {"DD-API-KEY": "wrong"}, {"X-Amz-Firehose-Access-Key": "wrong"},
]


def status(request):
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code


@unittest.skipUnless(has_keys(), "this server knows no keys")
class Keys(unittest.TestCase):
    def test_nobody_gets_in_without_a_key(self):
        server = Server()
        self.addCleanup(server.stop)
        for route in ROUTES:
            for headers in WRONG:
                with self.subTest(route=route, headers=headers):
                    request = urllib.request.Request(server.url + route, b'{"message":"hello"}', headers)
                    self.assertIn(status(request), (401, 403))
        self.assertEqual(server.search(), [])


if __name__ == "__main__":
    unittest.main()
