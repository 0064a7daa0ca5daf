"""Starts moto, answering one request at a time: its conditions and transactions are not atomic between threads.

usage: start_moto.py PORT"""

import sys
import threading

from moto.server import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.serving import run_simple

moto, lock = DomainDispatcherApplication(create_backend_app), threading.Lock()


def one_at_a_time(environ, start_response):
    with lock:
        return moto(environ, start_response)


run_simple("127.0.0.1", int(sys.argv[1]), one_at_a_time, threaded=True, request_handler=MotoRequestHandler)
