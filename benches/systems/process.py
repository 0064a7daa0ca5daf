"""Peers that are Python modules: each lives in a process of its own, so that its CPU time and
memory are its own, and answers over a pipe.

`python -m benches.systems.process MODULE:CLASS DIRECTORY` is that process. It reads requests
and writes answers, one JSON object a line. CPU and wall time are taken inside it, from the query
to the last row as a Python value.
"""
import importlib
import json
import os
import subprocess
import sys
import threading
import time

from . import CannotRun, Loaded, Outcome

TIMEOUT_S = 600


class InProcess:
    def __init__(self, name, title, engine, directory):
        self.name, self.title, self.engine, self.directory = name, title, engine, directory
        self.process = None

    def version(self):
        return self.ask(do="version")["version"]

    def load(self, source):
        self.directory.mkdir(parents=True, exist_ok=True)
        answer = self.ask(do="load", parquet=str(source.parquet))
        self.close()  # what loading left in memory is no part of the searches
        return Loaded(answer["cpu_s"], answer["wall_s"], answer["stored_bytes"])

    def open(self):
        self.ask(do="open")

    def run(self, query):
        if self.process is None:
            self.open()
        answer = self.ask(do="run", query=query.name)
        return Outcome(answer["rows"], answer["cpu_s"], answer["wall_s"])

    def spelling(self, query):
        module, _, name = self.engine.partition(":")
        return getattr(importlib.import_module(f"{__package__}.{module}"), name).QUERIES[query.name]

    def ask(self, **request):
        if self.process is None:
            command = [sys.executable, "-m", __spec__.name, self.engine, str(self.directory)]
            self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        timer = threading.Timer(TIMEOUT_S, self.process.kill)
        timer.start()
        try:
            self.process.stdin.write(json.dumps(request) + "\n")
            self.process.stdin.flush()
            line = self.process.stdout.readline()
        except BrokenPipeError:
            line = ""
        finally:
            timer.cancel()
        if not line:
            status = self.process.wait()
            self.process = None
            raise CannotRun(f"ended with status {status}")
        answer = json.loads(line)
        if "error" in answer:
            raise CannotRun(answer["error"])
        return answer

    def close(self):
        if self.process is not None:
            self.process.stdin.close()
            self.process.wait()
            self.process = None


def serve(engine, answers):
    for line in sys.stdin:
        request = json.loads(line)
        begun_cpu, begun = time.process_time(), time.perf_counter()
        try:
            answer = handle(engine, request)
        except Exception as error:  # whatever a peer raises is its answer
            answer = {"error": f"{type(error).__name__}: {error}".splitlines()[0][:200]}
        # An answer has its times before it is written.
        answer |= {"cpu_s": time.process_time() - begun_cpu, "wall_s": time.perf_counter() - begun}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


def handle(engine, request):
    match request["do"]:
        case "version":
            return {"version": engine.version()}
        case "load":
            return {"stored_bytes": engine.load(request["parquet"])}
        case "open":
            engine.open()
            return {}
        case "run":
            return {"rows": engine.rows(request["query"])}


def main():
    # Only answers go to the standard output, whatever a module prints.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    module, _, name = sys.argv[1].partition(":")
    engine = getattr(importlib.import_module(f"benches.systems.{module}"), name)(sys.argv[2])
    serve(engine, answers)


if __name__ == "__main__":
    main()
