"""rsyslog with its module for Elasticsearch, as Debian has it: bulks over `_bulk`.

What it could not send it sends again line by line, each in a request of its own. So a restart that cuts a request off loses and
doubles nothing; but when a whole batch was taken and only the answer got lost, its lines come again in other bodies, and are
there twice, in Trawl as in Elasticsearch. Batches of one line (`queue.dequeueBatchSize="1"`) come again as they were.
"""

import re
import unittest

from harness import syslog
from harness.case import ClientCase

LIBRARIES = ["usr/lib/x86_64-linux-gnu"]
COMMAND = ["@ROOT@/usr/sbin/rsyslogd", "-n", "-f", "@FILE@", "-i", "@DIRECTORY@/pid", "-M", "@ROOT@/usr/lib/x86_64-linux-gnu/rsyslog"]
CONFIGURATION = """
global(workDirectory="@DIRECTORY@" maxMessageSize="64k")
module(load="imptcp")
module(load="omelasticsearch")
input(type="imptcp" path="@DIRECTORY@/socket" ruleset="send")
template(name="event" type="list" option.jsonf="on") {
    property(outname="@timestamp" name="timereported" dateFormat="rfc3339" format="jsonf")
    property(outname="host" name="hostname" format="jsonf")
    property(outname="service" name="app-name" format="jsonf")
    property(outname="severity" name="syslogseverity-text" format="jsonf")
    property(outname="facility" name="syslogfacility-text" format="jsonf")
    property(outname="procid" name="procid" format="jsonf")
    property(outname="message" name="msg" format="jsonf")
}
ruleset(name="again") {
    action(type="omelasticsearch" %(server)s)
}
ruleset(name="send" queue.type="LinkedList" queue.size="20000" queue.dequeueBatchSize="%(batch)s") {
    action(type="omelasticsearch" %(server)s)
}
"""
SERVER = """server="127.0.0.1" serverport="%(port)s" template="event" searchIndex="logs-syslog" searchType=""
        bulkmode="on" maxbytes="1m" retryfailures="on" retryruleset="again" errorfile="@DIRECTORY@/errors"
        action.resumeRetryCount="-1" action.resumeInterval="1" %(credential)s"""


# Lines of a request.
BATCH, SINGLE = 500, 1


def number(event):
    return int(re.search(r"#(\d+)$", event["message"])[1])


class Rsyslog(ClientCase):
    def test_every_line_is_found_once_though_a_request_was_cut_off(self):
        self.send(BATCH, restart_at=10, is_taken=False)

    def test_every_line_sent_by_itself_is_found_once_though_an_answer_was_lost(self):
        self.send(SINGLE, restart_at=4000, is_taken=True)

    def send(self, batch, **restart):
        messages = syslog.messages()
        server = self.serve(**restart)
        credential = f'uid="trawl" pwd="{server.key}"' if server.key else ""
        action = SERVER % {"port": server.port, "credential": credential}
        rsyslog = syslog.Daemon("rsyslog", COMMAND, LIBRARIES, CONFIGURATION % {"server": action, "batch": batch})
        self.addCleanup(rsyslog.close)
        rsyslog.send(message.rfc_5424() for message in messages)
        rsyslog.finish(server, len(messages))
        self.check([
            {
                "_index": "logs-syslog",
                "@timestamp": message.timestamp,
                "host": message.host,
                "service": message.program,
                "severity": syslog.SEVERITY_NAMES[message.severity],
                "facility": "auth",
                "procid": message.pid or "-",
                "message": message.text,
            }
            for message in messages
        ], number)


if __name__ == "__main__":
    unittest.main()
