"""Compaction by the real function beside writer and searchers, and killed at random moments."""

import os
import random
import threading
import time
import unittest

from stack.functions import FunctionError
from stack.system import Background, System, at_once, event, numbers
from stack.wait import until

# How long writer, searchers and compactor run against each other once there is something to merge.
SECONDS = float(os.environ.get("TRAWL_COMPACTION_SECONDS", "30"))
SEED = int(os.environ.get("TRAWL_AWS_SEED", "1"))
# The compactor leaves rows alone until they are this old.
MIN_AGE_SECONDS = 60
# Segments there are to merge, and runs of the compactor that are killed before one may end.
SEGMENTS = 150
KILLS = 4


class Compaction(unittest.TestCase):
    def test_searches_see_one_moment_while_segments_are_merged_and_the_compactor_is_killed(self):
        system = System(maps=False, seed=SEED)
        self.addCleanup(system.close)
        moments = random.Random(SEED)
        acknowledged, lock, searches, merges, killed = [SEGMENTS], threading.Lock(), [], [0], [0]
        at_once([lambda n=n: system.push([event(n)]) for n in range(SEGMENTS)])
        # One record at a time is one segment each.
        mapping = system.map(batch_size=1, window=0.05)
        until("each event is a segment", lambda: system.status()["segments"] == SEGMENTS, 180, 2)
        old = time.monotonic() + MIN_AGE_SECONDS
        mapping.batch_size = 20

        def push():
            start = acknowledged[0]
            system.push([event(n) for n in range(start, start + 20)])
            with lock:
                acknowledged[0] = start + 20

        def search():
            with lock:
                before = acknowledged[0]
            found = system.search("* | stats count(), sum(n), max(n)")
            self.assertEqual((found["status"], found["missing"]), ("complete", []), found.get("error"))
            count, total, highest = found["aggregates"]["rows"][0]
            self.assertGreaterEqual(count, before, "an acknowledged event is missing")
            self.assertEqual(count, highest + 1, "a hole, or an event twice")
            self.assertEqual(total, count * (count - 1) // 2, "one event in place of another")
            searches.append(count)

        def compact():
            try:
                system.compact()
                merges[0] += 1
            except FunctionError:
                killed[0] += 1
            time.sleep(0.2)

        until("the first segments are old enough", lambda: time.monotonic() > old, MIN_AGE_SECONDS + 5, 0.5)
        kill = lambda name, _payload: ("kill", 2 * moments.random()) if name == "compactor" and killed[0] < KILLS else None
        system.functions.fault = kill
        threads = [Background(push), Background(search), Background(search), Background(compact)]
        deadline = time.monotonic() + SECONDS

        def is_over():
            return (time.monotonic() > deadline and merges[0]) or any(thread.error for thread in threads)

        until("the time is over, and a run of the compactor ended", is_over, SECONDS + 120, 0.2)
        for thread in threads:
            thread.stop()
        system.wait_until_persisted()
        self.assertEqual(numbers(system.search()), list(range(acknowledged[0])))
        status = system.status()
        self.assertEqual(status["events"], acknowledged[0])
        # What was merged away stays for a grace period: there are more objects than segments.
        objects = len(system.objects("segments/"))
        print(f"    {len(searches)} searches; {merges[0]} runs, {killed[0]} killed; {status['segments']} segments, {objects} objects", flush=True)
        self.assertGreater(objects, status["segments"] + SEGMENTS // 2, "nothing was merged")
        self.assertGreater(killed[0], 0, "no run was killed")
        self.assertGreater(len(searches), 5)


if __name__ == "__main__":
    unittest.main(verbosity=2)
