//! Where a search of the past and the following of the present meet.
//!
//! ```text
//!   arrival      ──────────────A──────────────┬──────B──────┬────────C────────▶
//!                                           cursor        plan of the search
//!   the search        A and B, by their timestamps
//!   the tail                                      B and C, as they arrived
//! ```
//!
//! The cursor is taken first and the search begins after it, so that nothing falls between them. B is in both. What
//! arrived from the cursor until the search was planned (and a moment longer) is fetched before the search is shown:
//! it holds all of B, usually nothing. Of that, what the search shows is left out afterwards, each event as often as
//! the search had it. Only an event equal to one of B in every field, its time too, could be taken for it.

use std::collections::HashMap;

use serde_json::value::RawValue;

use crate::output::event::fingerprint;

/// What arrived while a search began.
#[derive(Debug, Default)]
pub struct Overlap {
    arrived: Vec<Box<RawValue>>,
    /// Of each, by fingerprint: how often it arrived and was not found yet.
    open: HashMap<u128, u32>,
}

impl Overlap {
    /// Adds what arrived.
    pub fn arrived(&mut self, events: Vec<Box<RawValue>>) {
        for event in &events {
            *self.open.entry(fingerprint(event)).or_default() += 1;
        }
        self.arrived.extend(events);
    }

    /// Notes that the search has an event.
    pub fn found(&mut self, event: &RawValue) {
        if self.open.is_empty() {
            return;
        }
        if let Some(open) = self.open.get_mut(&fingerprint(event)) {
            *open = open.saturating_sub(1);
        }
    }

    /// What the search does not have, in the order of arrival.
    pub fn left(mut self) -> Vec<Box<RawValue>> {
        let mut left = self.arrived;
        // Of equal events, whichever: they look the same.
        left.retain(|event| match self.open.get_mut(&fingerprint(event)) {
            Some(open) if *open > 0 => {
                *open -= 1;
                true
            }
            _ => false,
        });
        left
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(text: &str) -> Box<RawValue> {
        serde_json::from_str(&format!(r#"{{"timestamp":1700000000,"message":"{text}"}}"#)).unwrap()
    }

    fn left(arrived: &[&str], found: &[&str]) -> Vec<String> {
        let mut overlap = Overlap::default();
        overlap.arrived(arrived.iter().map(|text| event(text)).collect());
        found.iter().for_each(|text| overlap.found(&event(text)));
        let message = |event: Box<RawValue>| {
            let event: serde_json::Value = serde_json::from_str(event.get()).unwrap();
            event["message"].as_str().unwrap().to_owned()
        };
        overlap.left().into_iter().map(message).collect()
    }

    #[test]
    fn what_the_search_has_is_left_out_as_often_as_it_has_it() {
        assert_eq!(left(&["b", "c", "b", "b"], &["a", "b", "b"]), ["b", "c"]);
        assert_eq!(left(&["b", "c"], &["c", "b", "c"]), Vec::<String>::new());
        assert_eq!(left(&[], &["a"]), Vec::<String>::new());
        assert_eq!(left(&["a", "b"], &[]), ["a", "b"]);
    }

    #[test]
    fn the_order_of_fields_does_not_matter() {
        let mut overlap = Overlap::default();
        overlap.arrived(vec![event("a")]);
        overlap.found(&serde_json::from_str::<Box<RawValue>>(r#"{"message":"a","timestamp":1700000000}"#).unwrap());
        assert!(overlap.left().is_empty());
    }
}
