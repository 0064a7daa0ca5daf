"""python3 -m unittest benches.test_agreement"""
import unittest

from .agreement import differences
from .data import texts_of, timestamp_ns
from .queries import Query

EVENTS = Query("E", "", "", "events", limit=3)
COUNT = Query("C", "", "", "count")
CHART = Query("H", "", "", "chart")
TOP = Query("T", "", "", "top", limit=2)


class Agreement(unittest.TestCase):
    def test_the_order_of_keys_and_white_space_do_not_matter(self):
        self.assertIsNone(differences(EVENTS, [[1, {"a": 1, "b": "x"}]], [[1, '{"b": "x", "a":1}']]))

    def test_another_event_of_the_same_time_is_seen(self):
        self.assertEqual("1 events are other ones", differences(EVENTS, [[1, '{"a":1}']], [[1, '{"a":2}']]))

    def test_which_of_equal_timestamps_the_limit_left_is_open(self):
        mine = [[3, '{"a":3}'], [2, '{"a":2}'], [1, '{"a":1}']]
        self.assertIsNone(differences(EVENTS, mine, [*mine[:2], [1, '{"a":0}']]))
        self.assertEqual("1 events are other ones", differences(EVENTS, mine, [[3, '{"a":0}'], *mine[1:]]))
        self.assertEqual("1 events have another timestamp", differences(EVENTS, mine, [*mine[:2], [0, '{"a":1}']]))

    def test_missing_rows_and_wrong_counts_are_seen(self):
        self.assertEqual("1 rows, 2 by Trawl", differences(EVENTS, [[2, "{}"], [1, "{}"]], [[2, "{}"]]))
        self.assertEqual("6, 5 by Trawl", differences(COUNT, [[5]], [[6]]))
        self.assertEqual("1 rows differ", differences(CHART, [[0, "INFO", 1], [0, "WARN", 2]], [[0, "INFO", 1], [0, "WARN", 3]]))
        self.assertIsNone(differences(CHART, [[0, "INFO", 1], [0, None, 2]], [[0, None, 2], [0, "INFO", 1]]))

    def test_values_that_tie_at_the_end_of_a_top_list_may_differ(self):
        self.assertIsNone(differences(TOP, [["a", 2], ["b", 1]], [["a", 2], ["c", 1]]))
        self.assertEqual("the values differ", differences(TOP, [["a", 2], ["b", 1]], [["c", 2], ["b", 1]]))
        self.assertEqual("the counts differ", differences(TOP, [["a", 2], ["b", 1]], [["a", 3], ["b", 1]]))


class Texts(unittest.TestCase):
    def test_texts_are_the_string_values_without_keys_and_the_timestamp(self):
        event = {"timestamp": "2026-03-02T00:00:00Z", "n": 1, "s": "a", "o": {"timestamp": "b", "l": ["c", {"d": "e"}, None, True]}}
        self.assertEqual("a\nb\nc\ne", texts_of(event))

    def test_a_timestamp_is_nanoseconds_since_the_epoch(self):
        self.assertEqual(1772409600371000000, timestamp_ns("2026-03-02T00:00:00.371Z"))


if __name__ == "__main__":
    unittest.main()
