"""Starts ministack with a mistake of version 1.5.33 put right, and more patience with functions that start.

Its sequence numbers have leading zeros, which no number of Kinesis has, and it compares them as text. An iterator after
`17958…` (as we send it back) begins after everything instead of after `000000017958…`, and its reader misses records.

A function that has not started within 10 s fails, and its other environments with it: fifty at once take longer on two cores.
"""

from ministack.app import main
from ministack.core import lambda_runtime
from ministack.services import kinesis

# Digits of its sequence numbers: 20 of the time, 10 of a counter.
DIGITS = 30

start_position = kinesis._start_position


def numeric_start_position(records, kind, sequence_number, timestamp):
    return start_position(records, kind, str(sequence_number or "").zfill(DIGITS), timestamp)


kinesis._start_position = numeric_start_position
lambda_runtime._PROVIDED_INIT_TIMEOUT = 60.0

if __name__ == "__main__":
    main()
