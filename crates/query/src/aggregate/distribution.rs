//! Percentiles.
//!
//! Up to [`EXACT_VALUES`] numbers per group are kept as they are. Beyond, they are counted in buckets
//! whose borders grow by the factor γ = (1 + α) / (1 − α), α = [`RELATIVE_ERROR`]: bucket `i` holds
//! (γ^(i−1), γ^i] and stands for 2 γ^i / (γ + 1), which is within α of everything in it (C. Masson,
//! J. E. Rim, H. K. Lee, "DDSketch", VLDB 2019, <https://arxiv.org/abs/1908.10693>). Which of the two it
//! is follows from the number of values alone, so partial states merge in any order.
//!
//! A percentile p of n sorted numbers is interpolated linearly at rank p (n − 1), as `quantile_cont` of
//! DuckDB and the default of NumPy do.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::value::Cell;

/// Most numbers of a group that are kept as they are.
pub const EXACT_VALUES: usize = 1000;
/// Largest error of a percentile over more numbers than that, relative to its value.
pub const RELATIVE_ERROR: f64 = 0.01;

const GAMMA: f64 = (1.0 + RELATIVE_ERROR) / (1.0 - RELATIVE_ERROR);

/// The numbers of a group.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Distribution {
    /// Sorted when there is need.
    Exact(Vec<f64>),
    /// Counted.
    Sketch(Box<Sketch>),
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Sketch {
    /// Counts by bucket of the magnitude of negative numbers.
    negative: BTreeMap<i32, u64>,
    zeros: u64,
    positive: BTreeMap<i32, u64>,
    least: f64,
    greatest: f64,
}

impl Default for Distribution {
    fn default() -> Self {
        Self::Exact(Vec::new())
    }
}

impl Distribution {
    pub(super) fn add(&mut self, number: f64) {
        match self {
            Self::Exact(numbers) => {
                numbers.push(number);
                self.condense();
            }
            Self::Sketch(sketch) => sketch.add(number),
        }
    }

    pub(super) fn merge(&mut self, other: Self) {
        match (&mut *self, other) {
            (Self::Exact(numbers), Self::Exact(more)) => {
                numbers.extend(more);
                self.condense();
            }
            (Self::Sketch(sketch), Self::Exact(numbers)) => numbers.into_iter().for_each(|number| sketch.add(number)),
            (Self::Exact(numbers), Self::Sketch(mut sketch)) => {
                numbers.iter().for_each(|number| sketch.add(*number));
                *self = Self::Sketch(sketch);
            }
            (Self::Sketch(sketch), Self::Sketch(other)) => sketch.merge(*other),
        }
    }

    fn condense(&mut self) {
        if let Self::Exact(numbers) = self
            && numbers.len() > EXACT_VALUES
        {
            let mut sketch = Sketch { least: f64::INFINITY, greatest: f64::NEG_INFINITY, ..Sketch::default() };
            numbers.iter().for_each(|number| sketch.add(*number));
            *self = Self::Sketch(Box::new(sketch));
        }
    }

    /// The number below which `fraction` of all lie; null without any.
    pub(super) fn percentile(&self, fraction: f64) -> Cell {
        match self {
            Self::Exact(numbers) if numbers.is_empty() => Cell::Null,
            Self::Exact(numbers) => {
                let mut sorted = numbers.clone();
                sorted.sort_unstable_by(f64::total_cmp);
                interpolated(fraction, sorted.len() as u64, |rank| sorted.get(rank as usize).copied().unwrap_or(0.0))
            }
            Self::Sketch(sketch) => interpolated(fraction, sketch.count(), |rank| sketch.at(rank)),
        }
    }
}

fn interpolated(fraction: f64, count: u64, at: impl Fn(u64) -> f64) -> Cell {
    let rank = fraction * (count - 1) as f64;
    let (below, above) = (at(rank.floor() as u64), at(rank.ceil() as u64));
    let share = rank.fract();
    // Weighted, not `below + (above - below) * share`: the difference of two doubles may overflow.
    Cell::float(if below == above { below } else { below * (1.0 - share) + above * share })
}

impl Sketch {
    fn add(&mut self, number: f64) {
        self.least = self.least.min(number);
        self.greatest = self.greatest.max(number);
        let buckets = match number {
            _ if number > 0.0 => &mut self.positive,
            _ if number < 0.0 => &mut self.negative,
            _ => {
                self.zeros += 1;
                return;
            }
        };
        // A double's logarithm to this base lies within ±40,000.
        let bucket = (number.abs().ln() / GAMMA.ln()).ceil() as i32;
        *buckets.entry(bucket).or_default() += 1;
    }

    fn merge(&mut self, other: Self) {
        self.least = self.least.min(other.least);
        self.greatest = self.greatest.max(other.greatest);
        self.zeros += other.zeros;
        other.negative.into_iter().for_each(|(bucket, count)| *self.negative.entry(bucket).or_default() += count);
        other.positive.into_iter().for_each(|(bucket, count)| *self.positive.entry(bucket).or_default() += count);
    }

    fn count(&self) -> u64 {
        self.zeros + self.negative.values().sum::<u64>() + self.positive.values().sum::<u64>()
    }

    /// About the number at this rank, from 0.
    fn at(&self, rank: u64) -> f64 {
        let value = |bucket: i32| 2.0 * (f64::from(bucket) * GAMMA.ln()).exp() / (GAMMA + 1.0);
        let negative = self.negative.iter().rev().map(|(bucket, count)| (-value(*bucket), *count));
        let positive = self.positive.iter().map(|(bucket, count)| (value(*bucket), *count));
        let mut passed = 0;
        for (value, count) in negative.chain([(0.0, self.zeros)]).chain(positive) {
            passed += count;
            if passed > rank {
                return value.clamp(self.least, self.greatest);
            }
        }
        self.greatest
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(numbers: &[f64]) -> Distribution {
        let mut distribution = Distribution::default();
        numbers.iter().for_each(|number| distribution.add(*number));
        distribution
    }

    #[test]
    fn a_few_numbers_are_interpolated_exactly() {
        let distribution = of(&[4.0, 1.0, 3.0, 2.0]);
        assert_eq!(distribution.percentile(0.5), Cell::float(2.5));
        assert_eq!(distribution.percentile(0.0), Cell::float(1.0));
        assert_eq!(distribution.percentile(1.0), Cell::float(4.0));
        assert_eq!(Distribution::default().percentile(0.5), Cell::Null);
    }

    #[test]
    fn many_numbers_are_within_one_percent() {
        let numbers: Vec<f64> = (-2000..20_000).map(|n| f64::from(n) * 1.37).collect();
        let exact = |fraction: f64| {
            let rank = fraction * (numbers.len() - 1) as f64;
            numbers[rank.floor() as usize] * (1.0 - rank.fract()) + numbers[rank.ceil() as usize] * rank.fract()
        };
        for fraction in [0.0, 0.01, 0.5, 0.9, 0.99, 0.999, 1.0] {
            let Cell::Number(found) = of(&numbers).percentile(fraction) else { panic!("no number") };
            let wanted = exact(fraction);
            assert!((found.as_f64() - wanted).abs() <= wanted.abs() * (RELATIVE_ERROR + 1e-9), "{fraction}");
        }
    }

    proptest! {
        #[test]
        fn merging_in_any_order_gives_the_same_percentiles(
            numbers in prop::collection::vec(-1e6f64..1e6, 1..3000),
            at in any::<prop::sample::Index>(),
        ) {
            let (left, right) = numbers.split_at(at.index(numbers.len()));
            let (mut a, mut b) = (of(left), of(right));
            a.merge(of(right));
            b.merge(of(left));
            for fraction in [0.0, 0.5, 0.99, 1.0] {
                prop_assert_eq!(a.percentile(fraction), of(&numbers).percentile(fraction));
                prop_assert_eq!(b.percentile(fraction), of(&numbers).percentile(fraction));
            }
        }
    }
}
