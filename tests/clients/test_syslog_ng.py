"""syslog-ng with its destination `http()`, as Debian has it: batches of objects and of lines.

A batch that was not answered goes back to the head of its queue. A full one is cut from there as it was, so the server knows it
again; one that was sent early, because nothing else had come, could have other lines behind it by then.
"""

import re
import signal
import unittest

from harness import syslog
from harness.case import ClientCase

LIBRARIES = ["usr/lib/syslog-ng", "usr/lib/x86_64-linux-gnu", "lib/x86_64-linux-gnu"]
COMMAND = [
    "@ROOT@/usr/sbin/syslog-ng", "--foreground", "--stderr", "--no-caps", "--cfgfile=@FILE@", "--persist-file=@DIRECTORY@/persist",
    "--pidfile=@DIRECTORY@/pid", "--control=@DIRECTORY@/control", "--module-path=@ROOT@/usr/lib/syslog-ng/3.38",
]
CONFIGURATION = """
@version: 3.38
options { frac-digits(6); keep-hostname(yes); time-reopen(1); log-msg-size(65536); };
source lines { unix-stream(
    "@DIRECTORY@/socket" flags(syslog-protocol) max-connections(1) log-iw-size(20000) log-fetch-limit(1000)
); };
destination trawl {
    http(
        url("%(url)s") method("POST") headers(%(headers)s) body('%(body)s') delimiter("\\n")
        batch-lines(500) batch-timeout(60000) workers(1) log-fifo-size(20000)
    );
};
log { source(lines); destination(trawl); flags(flow-control); };
"""
OBJECT = (
    "$(format-json timestamp=${ISODATE} level=${LEVEL} service=${PROGRAM} message=${MESSAGE}"
    " syslog.host=${HOST} syslog.facility=${FACILITY} syslog.pid=int64(${PID:-0}))"
)
# Not ${SDATA}: it has a number that grows with each attempt, and so the server would not know a batch again.
LINE = "<${PRI}>1 ${ISODATE} ${HOST} ${PROGRAM} ${PID:--} ${MSGID:--} - ${MESSAGE}"


def number(event):
    return int(re.search(r"#(\d+)$", event["message"])[1])


class SyslogNg(ClientCase):
    def send(self, path, content_type, body, how):
        messages = syslog.messages()
        server = self.serve(restart_at=10, how=how)
        headers = [f"Content-Type: {content_type}", *([f"Authorization: Bearer {server.key}"] if server.key else [])]
        settings = {"url": server.url + path, "headers": ", ".join(f'"{header}"' for header in headers), "body": body}
        syslog_ng = syslog.Daemon("syslog-ng", COMMAND, LIBRARIES, CONFIGURATION % settings)
        self.addCleanup(syslog_ng.close)
        syslog_ng.send(message.rfc_5424() for message in messages)
        syslog_ng.finish(server, len(messages))
        return messages

    def test_every_object_is_found_once_though_an_answer_was_lost(self):
        messages = self.send("/v1/events", "application/x-ndjson", OBJECT, signal.SIGKILL)
        self.check([
            {
                "timestamp": message.timestamp,
                "level": syslog.SEVERITY_NAMES[message.severity],
                "service": message.program,
                "message": message.text,
                "syslog": {"host": message.host, "facility": "auth", "pid": int(message.pid or 0)},
            }
            for message in messages
        ], number)

    def test_every_line_is_found_once_though_an_answer_was_lost(self):
        messages = self.send("/v1/syslog", "text/plain", LINE, signal.SIGTERM)
        self.check([
            {
                "timestamp": message.timestamp,
                "level": syslog.SEVERITY_NAMES[message.severity],
                "facility": "auth",
                "host": message.host,
                "service": message.program,
                "message": message.text,
                **({"procid": message.pid} if message.pid else {}),
            }
            for message in messages
        ], number)


if __name__ == "__main__":
    unittest.main()
