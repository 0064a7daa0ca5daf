//! Which needed ranges of an object are read with one request.
//!
//! A request to S3 costs 0.4 millionths of a dollar, which is what a worker of one core (1,769 MB, arm64, $1.33e-5 a
//! GB-second) costs in 17 ms; at 90 MB/s it receives 1.5 MB in that time. So a gap up to that is cheaper read along than
//! left out. But requests run side by side, while bytes of one request come one after the other, and a search that
//! reads little should stay one that reads little: what is read along is at most half of what is needed.

use std::ops::Range;

/// Widest gap that is read along, in bytes.
const MAX_GAP_BYTES: u64 = 1_500_000;
/// Bytes that are needed for each that is read along.
const NEEDED_PER_GAP_BYTE: u64 = 2;

/// Sorts ranges and joins them over gaps, the smallest first.
pub(crate) fn coalesce(mut ranges: Vec<Range<u64>>) -> Vec<Range<u64>> {
    ranges.retain(|range| !range.is_empty());
    ranges.sort_unstable_by_key(|range| range.start);
    // What touches or overlaps is one.
    let mut apart: Vec<Range<u64>> = Vec::with_capacity(ranges.len());
    for range in ranges {
        match apart.last_mut() {
            Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
            _ => apart.push(range),
        }
    }
    let needed: u64 = apart.iter().map(|range| range.end - range.start).sum();
    let mut gaps: Vec<u64> = apart.windows(2).map(|pair| pair[1].start - pair[0].end).collect();
    gaps.sort_unstable();
    let mut left = needed / NEEDED_PER_GAP_BYTE;
    let mut widest = 0;
    for gap in gaps {
        if gap > left || gap > MAX_GAP_BYTES {
            // Others of this width may have been taken: then too much would be.
            widest = widest.min(gap - 1);
            break;
        }
        left -= gap;
        widest = gap;
    }
    let mut joined: Vec<Range<u64>> = Vec::with_capacity(apart.len());
    for range in apart {
        match joined.last_mut() {
            Some(last) if range.start - last.end <= widest => last.end = range.end,
            _ => joined.push(range),
        }
    }
    joined
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn small_gaps_are_read_along_and_large_ones_are_not() {
        assert_eq!(coalesce(vec![100..200, 0..60, 5000..5100]), [0..200, 5000..5100]);
        assert_eq!(coalesce(vec![0..10, 1000..1010]), [0..10, 1000..1010]);
        assert_eq!(coalesce(vec![0..10, 10..20, 5..12, 30..30]), [0..20]);
    }

    proptest! {
        #[test]
        fn everything_needed_is_covered(ranges in prop::collection::vec((0u64..5000, 1u64..300), 0..30)) {
            let ranges: Vec<Range<u64>> = ranges.into_iter().map(|(start, length)| start..start + length).collect();
            let joined = coalesce(ranges.clone());
            prop_assert!(joined.is_sorted_by(|one, other| one.end < other.start));
            for range in ranges {
                prop_assert!(joined.iter().any(|whole| whole.start <= range.start && range.end <= whole.end));
            }
        }
    }
}
