"""What handlers of Python's logging have in common."""

import concurrent.futures
import logging

from requests.adapters import HTTPAdapter
from urllib3.util.retry import Retry

# A handler that sends each record by itself waits for the answer: so many do so side by side.
HANDLERS = 8
LEVELS = {"TRACE": logging.DEBUG, "WARN": logging.WARNING, "FATAL": logging.CRITICAL}


def logger_of(handler, name="tests"):
    """A logger with this handler, whatever other loggers have the name."""
    logger = logging.Manager(logging.RootLogger(logging.DEBUG)).getLogger(name)
    logger.setLevel(logging.DEBUG)
    logger.addHandler(handler)
    return logger


def python_level(event):
    return LEVELS.get(event["level"]) or getattr(logging, event["level"])


def line(event):
    """An event as a line of text, its number at the end."""
    return f"{event['message']} #{event['n']}"


def number(event):
    """That of an event, which stands at the end of its line."""
    return int(event["message"].rsplit("#", 1)[1])


def send_again(session):
    """Has a session of `requests` send a request again, the very same, until it is taken."""
    retry = Retry(total=20, backoff_factor=0.2, backoff_max=1, allowed_methods=None, status_forcelist=[429, 500, 503])
    session.mount("http://", HTTPAdapter(max_retries=retry))


def side_by_side(log, events):
    """Shares `events` out among calls of `log`."""
    with concurrent.futures.ThreadPoolExecutor(HANDLERS) as pool:
        list(pool.map(log, [events[first::HANDLERS] for first in range(HANDLERS)]))
