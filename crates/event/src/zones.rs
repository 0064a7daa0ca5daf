//! What is known of all events of a segment: whether one of them can match is often settled by it alone.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::evidence::Evidence;
use crate::text::fold_into;

/// Bounds of what the events of a segment hold. What is not listed may be anything.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Zones {
    /// The ranks of levels that occur, a bit each ([`crate::Level::bit`]); `None` when they are not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub levels: Option<u8>,
    /// By name: all values, where these are texts and few.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub values: BTreeMap<String, Vec<String>>,
    /// By name: a number that is not above, and one that is not below any value, where all values are numbers.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub numbers: BTreeMap<String, (i64, i64)>,
}

impl Zones {
    /// Whether one of the events may be such that the evidence holds. False is certain, true is not.
    pub fn may_hold(&self, evidence: &Evidence) -> bool {
        match evidence {
            Evidence::Anything | Evidence::Text(_) => true,
            Evidence::All(sides) => sides.iter().all(|side| self.may_hold(side)),
            Evidence::Any(sides) => sides.iter().any(|side| self.may_hold(side)),
            Evidence::FieldText { name, fragment } => match self.values.get(name) {
                Some(values) => {
                    let (mut wanted, mut folded) = (String::new(), String::new());
                    fold_into(&fragment.text, &mut wanted);
                    values.iter().any(|value| {
                        folded.clear();
                        fold_into(value, &mut folded);
                        folded.contains(&wanted)
                    })
                }
                None => !self.numbers.contains_key(name),
            },
            Evidence::FieldValue { name, value } => match (self.numbers.get(name), value) {
                (Some((least, greatest)), Some(value)) => {
                    value.parse().is_ok_and(|value: i64| (*least..=*greatest).contains(&value))
                }
                (Some(_), None) => true,
                (None, _) => !self.values.contains_key(name),
            },
            Evidence::FieldNumber { name, low, high } => match self.numbers.get(name) {
                // Rounding to a double keeps the order.
                Some((least, greatest)) => *low <= *greatest as f64 && *least as f64 <= *high,
                None => true,
            },
            Evidence::FieldLevel { ranks } => self.levels.is_none_or(|levels| levels & ranks != 0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Fragment, Level};

    fn zones() -> Zones {
        Zones {
            levels: Some(Level::Info.bit() | Level::Warn.bit()),
            values: [("service".to_owned(), vec!["Check Out".to_owned(), "cart".to_owned()])].into(),
            numbers: [("status".to_owned(), (200, 404))].into(),
        }
    }

    #[test]
    fn only_what_cannot_be_there_is_ruled_out() {
        let text = |name: &str, text: &str| Evidence::FieldText { name: name.into(), fragment: Fragment::inside(text) };
        let value = |name: &str, value: &str| Evidence::FieldValue { name: name.into(), value: Some(value.into()) };
        let number = |low, high| Evidence::FieldNumber { name: "status".into(), low, high };
        let level = |level: Level| Evidence::FieldLevel { ranks: level.bit() };
        for (evidence, may_hold) in [
            (text("service", "CHECK"), true),
            (text("service", "search"), false),
            (text("status", "200"), false),
            (text("other", "search"), true),
            (value("status", "404"), true),
            (value("status", "500"), false),
            (value("status", "true"), false),
            (value("service", "1"), false),
            (value("other", "1"), true),
            (number(500.0, f64::INFINITY), false),
            (number(f64::NEG_INFINITY, 200.0), true),
            (level(Level::Warn), true),
            (level(Level::Error), false),
            (Evidence::Any(vec![level(Level::Error), text("service", "cart")]), true),
            (Evidence::All(vec![level(Level::Error), text("service", "cart")]), false),
            (Evidence::Text(Fragment::inside("x")), true),
        ] {
            assert_eq!(zones().may_hold(&evidence), may_hold, "{evidence:?}");
            assert!(Zones::default().may_hold(&evidence), "{evidence:?}");
        }
    }
}
