"""The API client of Datadog: `submit_log`, gzip and deflate.

It sends a request again, the very same, as the policy says that the application gives it; every log brings its time.
"""

import unittest

from datadog_api_client import ApiClient, Configuration
from datadog_api_client.v2.api.logs_api import LogsApi
from datadog_api_client.v2.model.content_encoding import ContentEncoding
from datadog_api_client.v2.model.http_log import HTTPLog
from datadog_api_client.v2.model.http_log_item import HTTPLogItem
from harness import data
from harness.case import ClientCase
from urllib3.util.retry import Retry

# The server of this operation whose whole address can be chosen.
ANY_SERVER = 1


def item(event):
    attributes = {name: value for name, value in event.items() if name not in ("level", "message", "service")}
    return HTTPLogItem(
        message=event["message"], service=event["service"], hostname="host-1", ddsource="tests", ddtags="env:test,team:tests",
        status=event["level"].lower(), **attributes,
    )


def expected(event):
    # Tags are told apart, unless the event has something else under that name.
    tags = {"ddtags": "env:test,team:tests"} if "tags" in event else {"tags": {"env": "test", "team": "tests"}}
    return {**event, "level": event["level"].lower(), "hostname": "host-1", "ddsource": "tests", **tags}


class Datadog(ClientCase):
    def send(self, encoding):
        events = data.events()
        server = self.serve(restart_at=10)
        settings = Configuration(api_key={"apiKeyAuth": server.key or "none-needed"})
        settings.server_operation_index["submit_log"] = ANY_SERVER
        settings.server_operation_variables["submit_log"] = {"protocol": "http", "name": f"127.0.0.1:{server.port}"}
        settings.retry_policy = Retry(total=20, backoff_factor=0.2, backoff_max=1, allowed_methods=None, status_forcelist=[429, 500, 503])
        with ApiClient(settings) as client:
            for chunk in data.chunks(events, 500):
                LogsApi(client).submit_log(HTTPLog(list(map(item, chunk))), content_encoding=encoding)
        self.check(list(map(expected, events)))

    def test_every_log_sent_with_gzip_is_found_once_though_an_answer_was_lost(self):
        self.send(ContentEncoding.GZIP)

    def test_every_log_sent_with_deflate_is_found_once_though_an_answer_was_lost(self):
        self.send(ContentEncoding.DEFLATE)


if __name__ == "__main__":
    unittest.main()
