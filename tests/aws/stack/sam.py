"""SAM, and the template it has built."""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import time

from .stand_ins import CREDENTIALS, LOGS, ROOT, TARGET

SAM = TARGET / "sam-venv/bin/sam"
# TRAWL_SAM_BUILT=1 takes the functions of `make functions` instead of building by SAM.
TAKES_BUILT = os.environ.get("TRAWL_SAM_BUILT") == "1"
BUILT = TARGET / ("sam-prebuilt" if TAKES_BUILT else "sam")
TEMPLATE = BUILT / "template.yaml"
ENVIRONMENT = {**CREDENTIALS, "PATH": f"{pathlib.Path(sys.executable).parent}:{os.environ['PATH']}", "SAM_CLI_TELEMETRY": "0"}


def sam(*arguments, environment=None, log=None):
    """Runs SAM and gives what it printed to stdout; fails with what it said."""
    done = subprocess.run(
        [str(SAM), *arguments], cwd=ROOT, env={**os.environ, **ENVIRONMENT, **(environment or {})}, capture_output=True, text=True,
    )
    LOGS.mkdir(parents=True, exist_ok=True)
    (LOGS / f"sam-{log or arguments[0]}.log").write_text(done.stdout + done.stderr)
    if done.returncode:
        raise AssertionError(f"sam {arguments[0]} ended with {done.returncode}:\n{(done.stdout + done.stderr)[-4000:]}")
    return done.stdout


def build():
    """Makes `TEMPLATE` and the functions beside it."""
    began = time.monotonic()
    if TAKES_BUILT:
        lay_out()
    else:
        sam("build", "--build-dir", str(BUILT), "--parameter-overrides", "Architecture=x86_64")
    how = "laid out from built functions" if TAKES_BUILT else "built by SAM"
    print(f"    template {how} in {time.monotonic() - began:.0f} s", flush=True)


def lay_out():
    """What `sam build` leaves, from functions that are built: a directory for each, which the template names."""
    shutil.rmtree(BUILT, ignore_errors=True)

    def take(found):
        name = found[1]
        logical_id = "".join(word.capitalize() for word in name.split("-")) + "Function"
        (BUILT / logical_id).mkdir(parents=True)
        shutil.copy2(TARGET / "lambda" / name / "bootstrap", BUILT / logical_id / "bootstrap")
        return f"CodeUri: {logical_id}"

    template, count = re.subn(r"CodeUri: functions/(\S+)", take, (ROOT / "template.yaml").read_text())
    expected = sum(1 for path in (ROOT / "functions").iterdir() if path.is_dir())
    if count != expected:
        raise AssertionError(f"template.yaml names {count} functions by CodeUri: functions/…, expected {expected}")
    TEMPLATE.write_text(template)
