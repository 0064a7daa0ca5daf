//! Chance that is the same on every machine and in every version: SplitMix64.
//!
//! Steele, Lea, Flood, "Fast splittable pseudorandom number generators" (2014),
//! <https://doi.org/10.1145/2714064.2660195>. General-purpose generators reserve the right to change
//! their numbers; a seed of `trawl simulate` is to mean the same events for ever.

/// A stream of numbers that follows from its seed.
#[derive(Debug, Clone)]
pub struct Rng(u64);

impl Rng {
    /// The stream of a seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next 64 bits.
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }

    /// A number from 0 up to, but not including, `bound` (which counts as 1 if it is 0).
    pub fn below(&mut self, bound: u64) -> u64 {
        // The high half of a 128-bit product: the bias is below 2^-40 for the small bounds used here.
        ((u128::from(self.bits()) * u128::from(bound.max(1))) >> 64) as u64
    }

    /// A number from 0 up to 1.
    pub fn fraction(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// True in `percent` of a hundred cases.
    pub fn percent(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    /// One of several (at least one); the first ones far more often than the last, as names in logs are.
    pub fn favourite<'a, T: ?Sized>(&mut self, of: &[&'a T]) -> &'a T {
        let square = self.fraction() * self.fraction();
        of[((square * of.len() as f64) as usize).min(of.len() - 1)]
    }

    /// A time in milliseconds around `typical`, sometimes ten and more times as long.
    pub fn latency_ms(&mut self, typical: f64) -> f64 {
        let spread = (self.fraction() + self.fraction() + self.fraction()) * 2.0 - 3.0;
        let tail = if self.percent(2) { 12.0 } else { 1.0 };
        (typical * (spread * 0.8).exp() * tail * 100.0).round() / 100.0
    }

    /// So many hexadecimal digits, at most 32.
    pub fn hex(&mut self, digits: usize) -> String {
        let mut text = format!("{:016x}{:016x}", self.bits(), self.bits());
        text.truncate(digits);
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_the_published_numbers() {
        // The test vector of the reference implementation, https://prng.di.unimi.it/splitmix64.c, seed 1234567.
        let mut rng = Rng::new(1_234_567);
        let numbers: Vec<_> = (0..3).map(|_| rng.bits()).collect();
        assert_eq!(numbers, [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]);
    }

    #[test]
    fn numbers_stay_in_their_bounds() {
        let mut rng = Rng::new(1);
        for bound in [0, 1, 2, 7, u64::MAX] {
            assert!((0..1000).all(|_| rng.below(bound) < bound.max(1)));
        }
        let mean = (0..10_000).map(|_| rng.fraction()).sum::<f64>() / 10_000.0;
        assert!((0.48..0.52).contains(&mean), "{mean}");
        assert_eq!(rng.hex(7).len(), 7);
    }
}
