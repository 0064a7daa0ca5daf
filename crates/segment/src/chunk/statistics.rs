//! Least and greatest values of pages and chunks.

use std::cmp::Ordering;

use super::write::Cells;
use crate::format::STATISTICS_BYTES;

/// Bounds of a page's values, as Parquet spells them.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Bounds {
    Text { min: Vec<u8>, max: Vec<u8>, min_exact: bool, max_exact: bool },
    Int { min: i64, max: i64 },
    Float { min: f64, max: f64 },
    Bool { min: bool, max: bool },
}

impl Bounds {
    /// The bounds of `cells[range]`; `None` for no values, or where NaN makes bounds meaningless.
    pub(crate) fn of(cells: &Cells<'_>, range: std::ops::Range<usize>) -> Option<Self> {
        match cells {
            Cells::Text(texts) => {
                let (first, rest) = texts[range].split_first()?;
                let (mut min, mut max) = (*first, *first);
                for text in rest {
                    if *text < min {
                        min = text;
                    } else if *text > max {
                        max = text;
                    }
                }
                Some(Self::text(min, max))
            }
            Cells::Int(values) => {
                let values = &values[range];
                Some(Self::Int { min: *values.iter().min()?, max: *values.iter().max()? })
            }
            Cells::Float(values) => {
                let values = &values[range];
                if values.iter().any(|value| value.is_nan()) {
                    return None;
                }
                let min = values.iter().copied().min_by(f64::total_cmp)?;
                let max = values.iter().copied().max_by(f64::total_cmp)?;
                // The format wants bounds that hold whichever zero is met.
                let min = if min == 0.0 { -0.0 } else { min };
                let max = if max == 0.0 { 0.0 } else { max };
                Some(Self::Float { min, max })
            }
            Cells::Bool(values) => {
                let values = &values[range];
                Some(Self::Bool { min: *values.iter().min()?, max: *values.iter().max()? })
            }
        }
    }

    fn text(min: &[u8], max: &[u8]) -> Self {
        let (min, min_exact) = match floor(min) {
            Some(shorter) => (shorter, false),
            None => (min.to_vec(), true),
        };
        let (max, max_exact) = match ceiling(max) {
            Some(shorter) => (shorter, false),
            None => (max.to_vec(), true),
        };
        Self::Text { min, max, min_exact, max_exact }
    }

    /// The bounds of both.
    pub(crate) fn and(self, other: Self) -> Option<Self> {
        Some(match (self, other) {
            (
                Self::Text { min, max, min_exact, max_exact },
                Self::Text { min: a, max: b, min_exact: c, max_exact: d },
            ) => {
                let (min, min_exact) = match min.cmp(&a) {
                    Ordering::Less => (min, min_exact),
                    Ordering::Equal => (a, min_exact && c),
                    Ordering::Greater => (a, c),
                };
                let (max, max_exact) = match max.cmp(&b) {
                    Ordering::Greater => (max, max_exact),
                    Ordering::Equal => (b, max_exact && d),
                    Ordering::Less => (b, d),
                };
                Self::Text { min, max, min_exact, max_exact }
            }
            (Self::Int { min, max }, Self::Int { min: a, max: b }) => Self::Int { min: min.min(a), max: max.max(b) },
            (Self::Float { min, max }, Self::Float { min: a, max: b }) => {
                Self::Float { min: min.min(a), max: max.max(b) }
            }
            (Self::Bool { min, max }, Self::Bool { min: a, max: b }) => Self::Bool { min: min & a, max: max | b },
            _ => return None,
        })
    }

    /// Both bounds in PLAIN encoding, for the column index.
    pub(crate) fn plain(&self) -> (Vec<u8>, Vec<u8>) {
        match self {
            Self::Text { min, max, .. } => (min.clone(), max.clone()),
            Self::Int { min, max } => (min.to_le_bytes().to_vec(), max.to_le_bytes().to_vec()),
            Self::Float { min, max } => (min.to_le_bytes().to_vec(), max.to_le_bytes().to_vec()),
            Self::Bool { min, max } => (vec![u8::from(*min)], vec![u8::from(*max)]),
        }
    }
}

/// A shorter string that is not greater, if `text` is too long.
fn floor(text: &[u8]) -> Option<Vec<u8>> {
    prefix(text).map(|prefix| prefix.as_bytes().to_vec())
}

/// A shorter string that is not less, if `text` is too long and there is one.
fn ceiling(text: &[u8]) -> Option<Vec<u8>> {
    let prefix = prefix(text)?;
    for (at, last) in prefix.char_indices().rev() {
        if let Some(next) = char::from_u32(last as u32 + 1) {
            let mut above = prefix[..at].to_owned();
            above.push(next);
            return Some(above.into_bytes());
        }
    }
    None
}

/// The whole characters among the first [`STATISTICS_BYTES`] of a longer text.
fn prefix(text: &[u8]) -> Option<&str> {
    if text.len() <= STATISTICS_BYTES {
        return None;
    }
    match std::str::from_utf8(&text[..STATISTICS_BYTES]) {
        Ok(prefix) => Some(prefix),
        Err(error) => std::str::from_utf8(&text[..error.valid_up_to()]).ok(),
    }
}
