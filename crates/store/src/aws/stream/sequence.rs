//! Sequence numbers of Kinesis: decimal, up to 186 bits.

use crate::ports::{Position, Result, StoreError};

/// Decimal digits that always fit 192 bits.
const MOST_DIGITS: usize = 57;

/// The position of a record with this sequence number.
///
/// # Errors
/// `Permanent` when it is no decimal number of at most 57 digits.
pub fn position_of_sequence_number(number: &str) -> Result<Position> {
    let not_one = || StoreError::Permanent(format!("{number:?} is not a sequence number"));
    if number.is_empty() || number.len() > MOST_DIGITS {
        return Err(not_one());
    }
    let mut words = [0u64; 3];
    for byte in number.bytes() {
        let mut carry = match byte {
            b'0'..=b'9' => u128::from(byte - b'0'),
            _ => return Err(not_one()),
        };
        for word in words.iter_mut().rev() {
            let wide = u128::from(*word) * 10 + carry;
            *word = wide as u64;
            carry = wide >> 64;
        }
    }
    Ok(Position(words))
}

/// The sequence number at a position.
pub fn sequence_number_of(position: Position) -> String {
    /// The largest power of ten in 64 bits, and its zeros.
    const CHUNK: u128 = 10_000_000_000_000_000_000;
    const CHUNK_DIGITS: usize = 19;
    let mut words = position.0;
    let mut chunks = Vec::new();
    while words != [0; 3] {
        let mut rest = 0;
        for word in &mut words {
            let wide = (rest << 64) | u128::from(*word);
            *word = (wide / CHUNK) as u64;
            rest = wide % CHUNK;
        }
        chunks.push(rest);
    }
    let digits: String = chunks.iter().rev().map(|chunk| format!("{chunk:0CHUNK_DIGITS$}")).collect();
    match digits.trim_start_matches('0') {
        "" => "0".into(),
        number => number.into(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn numbers_come_back_and_keep_their_order(one in "[1-9][0-9]{0,55}", other in "[1-9][0-9]{0,55}") {
            let position = |number: &str| position_of_sequence_number(number).unwrap();
            prop_assert_eq!(sequence_number_of(position(&one)), one.clone());
            let by_value = (one.len(), &one).cmp(&(other.len(), &other));
            prop_assert_eq!(position(&one).cmp(&position(&other)), by_value);
        }

        #[test]
        fn positions_come_back(high in 0u64..1 << 58, middle: u64, low: u64) {
            let position = Position([high, middle, low]);
            prop_assert_eq!(position_of_sequence_number(&sequence_number_of(position)), Ok(position));
        }
    }

    #[test]
    fn what_is_no_number_is_an_error() {
        for text in ["", "-1", "1a", "TRIM_HORIZON", &"1".repeat(58)] {
            assert!(position_of_sequence_number(text).is_err(), "{text:?}");
        }
    }
}
