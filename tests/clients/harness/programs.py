"""Where things are, and programs that end with the test."""

import os
import pathlib
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[3]
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")).absolute()
TRAWL = os.environ.get("TRAWL_BIN") or str(TARGET / "quick/trawl")
# Debian's packages, unpacked by `daemons`.
DAEMONS = TARGET / "clients-daemons"
NODE_CLIENTS = ROOT / "tests/clients/node"

# What is started so ends when the test is killed.
DIES_WITH_PARENT = ["setpriv", "--pdeathsig", "KILL"]


def background(command, log, **environment):
    """Starts a program that writes to the file `log` and is killed when the test is."""
    with open(log, "wb") as output:
        return subprocess.Popen(
            [*DIES_WITH_PARENT, *command],
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )


def run(command, stdin=None, allowed=(0,), directory=None, **environment):
    """Runs a program to its end; gives what it wrote to stdout."""
    command = [*DIES_WITH_PARENT, *command]
    done = subprocess.run(
        command, cwd=directory, env={**os.environ, **environment}, input=stdin, capture_output=True, text=True, check=False
    )
    if done.returncode not in allowed:
        raise AssertionError(f"{command} ended with {done.returncode}: {done.stdout[-6000:]}{done.stderr[-3000:]}")
    return done.stdout
