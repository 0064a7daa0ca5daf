"""Waiting on conditions."""

import time


def until(what, condition, seconds=60.0, every=0.05):
    """Gives the first true value of `condition`; fails with `what` was awaited after `seconds`."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {seconds:.0f} s in vain: {what}")
        time.sleep(every)
