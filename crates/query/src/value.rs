//! Numbers and table cells, and how they are ordered.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};

use serde::{Deserialize, Serialize, Serializer};

use crate::json::Value;

/// A finite number. Integers keep all 64 bits; an integer compares with a float by exact value.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Number {
    /// An integer of 64 bits.
    Int(i64),
    /// Any other number, as the nearest double.
    Float(f64),
}

/// 2^63 as a double: the first one beyond `i64`.
const TWO_POW_63: f64 = 9_223_372_036_854_775_808.0;

impl Number {
    /// Reads `-?digits[.digits][e[+-]digits]`. Integers beyond 64 bits become the nearest double;
    /// `None` for anything else, and for what a double cannot hold.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = text.as_bytes();
        let first = bytes.iter().position(|byte| *byte != b'-')?;
        // Cheap refusal: most texts are no numbers, and `f64::from_str` also reads "inf" and ".5".
        if first > 1 || !bytes[first].is_ascii_digit() || !bytes[bytes.len() - 1].is_ascii_digit() {
            return None;
        }
        if let Ok(int) = text.parse() {
            return Some(Self::Int(int));
        }
        let point = bytes.iter().position(|byte| *byte == b'.');
        if point.is_some_and(|at| !bytes.get(at + 1).is_some_and(u8::is_ascii_digit)) {
            return None;
        }
        text.parse().ok().filter(|float: &f64| float.is_finite()).map(Self::Float)
    }

    /// The nearest double.
    pub fn as_f64(self) -> f64 {
        match self {
            Self::Int(int) => int as f64,
            Self::Float(float) => float,
        }
    }

    /// The same number as an integer, if it is one that fits.
    pub fn normal(self) -> Self {
        match self {
            Self::Float(float) if float.fract() == 0.0 && (-TWO_POW_63..TWO_POW_63).contains(&float) => {
                Self::Int(float as i64)
            }
            other => other,
        }
    }
}

fn compare_int_float(int: i64, float: f64) -> Ordering {
    if float >= TWO_POW_63 {
        return Ordering::Less;
    }
    if float < -TWO_POW_63 {
        return Ordering::Greater;
    }
    // In this range the whole part fits an i64 exactly.
    int.cmp(&(float.trunc() as i64)).then_with(|| 0.0_f64.total_cmp(&(float.fract() + 0.0)))
}

impl Ord for Number {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Int(a), Self::Int(b)) => a.cmp(b),
            // Adding zero makes -0.0 the same as 0.0.
            (Self::Float(a), Self::Float(b)) => (a + 0.0).total_cmp(&(b + 0.0)),
            (Self::Int(a), Self::Float(b)) => compare_int_float(*a, *b),
            (Self::Float(a), Self::Int(b)) => compare_int_float(*b, *a).reverse(),
        }
    }
}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Number {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Number {}

impl Hash for Number {
    fn hash<H: Hasher>(&self, state: &mut H) {
        match self.normal() {
            Self::Int(int) => int.hash(state),
            Self::Float(float) => float.to_bits().hash(state),
        }
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Int(int) => fmt::Display::fmt(int, f),
            Self::Float(float) => fmt::Debug::fmt(float, f),
        }
    }
}

/// A JSON scalar in a table. Ordered numbers, texts, booleans, null.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(untagged)]
pub enum Cell {
    /// A number.
    Number(Number),
    /// A string.
    Text(String),
    /// `true` or `false`.
    Bool(bool),
    /// `null`: no value.
    Null,
}

impl Cell {
    /// A whole number; beyond 64 bits the nearest double.
    pub fn integer(value: i128) -> Self {
        Self::Number(i64::try_from(value).map_or(Number::Float(value as f64), Number::Int))
    }

    /// The value it stands for.
    pub(crate) fn as_value(&self) -> Value<'_> {
        match self {
            Self::Number(number) => Value::Number(*number),
            Self::Text(text) => Value::Text(text),
            Self::Bool(bool) => Value::Bool(*bool),
            Self::Null => Value::Null,
        }
    }

    /// A double; null when it is not finite, since JSON has no such number.
    pub fn float(value: f64) -> Self {
        if value.is_finite() { Self::Number(Number::Float(value)) } else { Self::Null }
    }
}

impl Serialize for Cell {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Number(Number::Int(int)) => serializer.serialize_i64(*int),
            Self::Number(Number::Float(float)) => serializer.serialize_f64(*float),
            Self::Text(text) => serializer.serialize_str(text),
            Self::Bool(bool) => serializer.serialize_bool(*bool),
            Self::Null => serializer.serialize_unit(),
        }
    }
}

impl fmt::Display for Cell {
    /// The plain text of the value; nothing for null.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => fmt::Display::fmt(number, f),
            Self::Text(text) => f.write_str(text),
            Self::Bool(bool) => fmt::Display::fmt(bool, f),
            Self::Null => Ok(()),
        }
    }
}
