"""Waiting on conditions."""

import time

# Limits are for a machine that does nothing else; a busy one gets so many times as long.
PATIENCE = 4


def until(what, condition, seconds=30.0, every=0.05):
    """Gives the first true value of `condition`; fails with `what` was awaited after `seconds`."""
    deadline = time.monotonic() + seconds * PATIENCE
    while not (value := condition()):
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {seconds * PATIENCE:.0f} s in vain: {what}")
        time.sleep(every)
    return value
