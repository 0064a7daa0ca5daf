//! Sums that do not depend on the order of their terms.

use serde::{Deserialize, Serialize};

use crate::value::{Cell, Number};

/// A sum of numbers: integers in 128 bits, doubles without any rounding until the end.
///
/// Doubles are kept as an expansion, a list of doubles that do not overlap and add up to the exact sum
/// (J. R. Shewchuk, "Adaptive Precision Floating-Point Arithmetic and Fast Robust Geometric
/// Predicates", 1997, §2.4; the method of Python's `math.fsum`). So any order and any split into
/// partial sums ends in the same, correctly rounded, number.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Sum {
    integers: i128,
    doubles: Vec<f64>,
    /// How many numbers.
    pub(super) count: u64,
    /// How many of them were doubles.
    double_count: u64,
    /// Whether the doubles left the range of their type.
    overflowed: bool,
}

impl Sum {
    pub(super) fn add(&mut self, number: Number) {
        self.count += 1;
        match number {
            Number::Int(int) => self.integers = self.integers.saturating_add(i128::from(int)),
            Number::Float(float) => {
                self.double_count += 1;
                self.add_double(float);
            }
        }
    }

    pub(super) fn merge(&mut self, other: &Self) {
        self.count += other.count;
        self.double_count += other.double_count;
        self.overflowed |= other.overflowed;
        self.integers = self.integers.saturating_add(other.integers);
        other.doubles.iter().for_each(|double| self.add_double(*double));
    }

    fn add_double(&mut self, double: f64) {
        let mut carried = double;
        let mut kept = 0;
        for index in 0..self.doubles.len() {
            let (high, low) = two_sum(carried, self.doubles[index]);
            if low != 0.0 {
                self.doubles[kept] = low;
                kept += 1;
            }
            carried = high;
        }
        self.doubles.truncate(kept);
        self.doubles.push(carried);
        if !carried.is_finite() {
            self.doubles.clear();
            self.overflowed = true;
        }
    }

    /// The sum as a double; infinite when out of range.
    fn as_f64(&self) -> f64 {
        if self.overflowed {
            return f64::INFINITY;
        }
        let mut exact = self.clone();
        // An i128 is the sum of three doubles of at most 53 bits each.
        let mut rest = self.integers;
        while rest != 0 {
            let part = leading_bits(rest);
            exact.add_double(part as f64);
            rest -= part;
        }
        rounded(&exact.doubles)
    }

    /// The sum: an integer if all numbers were; null without any.
    pub(super) fn total(&self) -> Cell {
        match (self.count, self.double_count) {
            (0, _) => Cell::Null,
            (_, 0) => Cell::integer(self.integers),
            _ => Cell::float(self.as_f64()),
        }
    }

    /// The mean; null without any number.
    pub(super) fn mean(&self) -> Cell {
        if self.count == 0 { Cell::Null } else { Cell::float(self.as_f64() / self.count as f64) }
    }
}

/// The 53 leading bits of a number, the rest zero.
fn leading_bits(number: i128) -> i128 {
    let magnitude = number.unsigned_abs();
    let shift = (128 - magnitude.leading_zeros()).saturating_sub(f64::MANTISSA_DIGITS);
    let part = (magnitude >> shift << shift) as i128;
    if number < 0 { part.wrapping_neg() } else { part }
}

/// The rounded sum and what rounding lost (Knuth's TwoSum).
fn two_sum(a: f64, b: f64) -> (f64, f64) {
    let sum = a + b;
    let b_part = sum - a;
    let a_part = sum - b_part;
    (sum, (a - a_part) + (b - b_part))
}

/// The double next to the sum of an expansion, least first.
fn rounded(expansion: &[f64]) -> f64 {
    let Some((last, mut rest)) = expansion.split_last() else { return 0.0 };
    let mut high = *last;
    while let Some((next, before)) = rest.split_last() {
        rest = before;
        let (sum, low) = two_sum(high, *next);
        high = sum;
        if low != 0.0 {
            // Half-way cases round by what is left below, as in `math.fsum`.
            if let Some(below) = rest.last()
                && (low < 0.0) == (*below < 0.0)
            {
                let doubled = low * 2.0;
                let nudged = high + doubled;
                if doubled == nudged - high {
                    high = nudged;
                }
            }
            break;
        }
    }
    high
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sum(numbers: &[Number]) -> Sum {
        let mut sum = Sum::default();
        numbers.iter().for_each(|number| sum.add(*number));
        sum
    }

    #[test]
    fn rounding_happens_once() {
        let tenths = vec![Number::Float(0.1); 10];
        assert_eq!(sum(&tenths).total(), Cell::float(1.0));
        let cancelling = [1e100, 1.0, -1e100, 1e-30].map(Number::Float);
        assert_eq!(sum(&cancelling).total(), Cell::float(1.0));
        let mixed = [Number::Int(i64::MAX), Number::Int(i64::MAX), Number::Float(0.5)];
        assert_eq!(sum(&mixed).total(), Cell::float(2.0 * i64::MAX as f64));
    }

    #[test]
    fn integers_stay_integers() {
        assert_eq!(sum(&[Number::Int(2), Number::Int(3)]).total(), Cell::Number(Number::Int(5)));
        assert_eq!(Sum::default().total(), Cell::Null);
    }

    #[test]
    fn beyond_the_range_there_is_no_number() {
        assert_eq!(sum(&[Number::Float(f64::MAX), Number::Float(f64::MAX)]).total(), Cell::Null);
    }

    proptest! {
        #[test]
        fn order_and_split_do_not_matter(
            mut numbers in prop::collection::vec(
                prop_oneof![(-1e200f64..1e200).prop_map(Number::Float), any::<i64>().prop_map(Number::Int),
                            (-1f64..1.0).prop_map(Number::Float)], 1..40),
            at in any::<prop::sample::Index>(),
        ) {
            let whole = sum(&numbers);
            let (left, right) = numbers.split_at(at.index(numbers.len()));
            let mut halves = sum(right);
            halves.merge(&sum(left));
            prop_assert_eq!(halves.total(), whole.total());
            numbers.reverse();
            prop_assert_eq!(sum(&numbers).total(), whole.total());
        }
    }
}
