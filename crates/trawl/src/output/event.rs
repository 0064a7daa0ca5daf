//! The parts of an event, in the order and spelling in which they were sent.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use trawl_event::Timestamp;
use trawl_event::shred::{LEVEL_NAMES, MESSAGE_NAMES, SERVICE_NAMES, TIMESTAMP_NAMES};
use trawl_event::timestamp::Spelling;
use xxhash_rust::xxh3::Xxh3;

use super::json;

/// A field that is no object with members: its dotted path and its value.
#[derive(Debug)]
pub struct Leaf<'a> {
    /// Names from the outside in, joined by dots.
    pub path: String,
    /// The value as JSON text; an object only if it is empty.
    pub value: &'a RawValue,
}

/// The fields of an event. What is no object has none.
pub fn leaves(event: &RawValue) -> Vec<Leaf<'_>> {
    let mut leaves = Vec::new();
    if let Ok(Members(members)) = serde_json::from_str(event.get()) {
        for (name, value) in members {
            flatten(name.into_owned(), value, &mut leaves);
        }
    }
    leaves
}

fn flatten<'a>(path: String, value: &'a RawValue, leaves: &mut Vec<Leaf<'a>>) {
    if value.get().starts_with('{')
        && let Ok(Members(members)) = serde_json::from_str(value.get())
        && !members.is_empty()
    {
        for (name, value) in members {
            flatten(format!("{path}.{name}"), value, leaves);
        }
        return;
    }
    leaves.push(Leaf { path, value });
}

/// The members of an object in their order.
struct Members<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;

        impl<'de> Visitor<'de> for InOrder {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }

        deserializer.deserialize_map(InOrder)
    }
}

/// A part of an event that has a column of its own in Trawl, and may be sent under several names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// When it happened.
    Timestamp,
    /// How grave it is.
    Level,
    /// Who says it.
    Service,
    /// What is said.
    Message,
}

impl Part {
    /// The names under which it is accepted; the first is its own.
    pub fn names(self) -> &'static [&'static str] {
        match self {
            Self::Timestamp => &TIMESTAMP_NAMES,
            Self::Level => &LEVEL_NAMES,
            Self::Service => &SERVICE_NAMES,
            Self::Message => &MESSAGE_NAMES,
        }
    }

    /// Takes this part out of the fields of an event.
    pub fn take<'a>(self, leaves: &mut Vec<Leaf<'a>>) -> Option<Leaf<'a>> {
        let place = self.names().iter().find_map(|name| leaves.iter().position(|leaf| leaf.path == *name))?;
        Some(leaves.remove(place))
    }
}

/// An event's time, if it can be read.
pub fn timestamp(event: &RawValue) -> Option<Timestamp> {
    let leaf = Part::Timestamp.take(&mut leaves(event))?;
    let parsed = match leaf.value.get().as_bytes().first() {
        Some(b'"') => Spelling::of_text(&json::plain(leaf.value)),
        _ => Spelling::of_number(leaf.value.get()),
    };
    parsed.map(|(timestamp, _)| timestamp)
}

/// The same for the same event, in whatever order its fields are written: an event comes from the stream first and
/// from a segment later, and only the values are promised to be the same.
pub fn fingerprint(event: &RawValue) -> u128 {
    leaves(event).iter().map(leaf_fingerprint).fold(0, u128::wrapping_add)
}

/// The same for the same value of the same field.
pub fn leaf_fingerprint(leaf: &Leaf<'_>) -> u128 {
    let mut hasher = Xxh3::new();
    hasher.update(leaf.path.as_bytes());
    hasher.update(b"\0");
    hasher.update(leaf.value.get().as_bytes());
    hasher.digest128()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(json: &str) -> Box<RawValue> {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn fields_come_in_their_order_under_dotted_paths() {
        let event = raw(r#"{"z":1.0,"a":{"y":[{"b":1}],"x":{"q":null}},"e":{},"s":"t\n","a\u0062":true}"#);
        let leaves: Vec<_> = leaves(&event).into_iter().map(|leaf| (leaf.path, leaf.value.get().to_owned())).collect();
        let expected =
            [("z", "1.0"), ("a.y", r#"[{"b":1}]"#), ("a.x.q", "null"), ("e", "{}"), ("s", r#""t\n""#), ("ab", "true")];
        assert_eq!(leaves, expected.map(|(path, value)| (path.to_owned(), value.to_owned())));
        assert!(super::leaves(&raw("[1]")).is_empty());
    }

    #[test]
    fn parts_are_found_under_every_name() {
        let event = raw(r#"{"msg":"m","log":{"level":"warn"},"service.name":"s","@timestamp":1700000000}"#);
        let mut leaves = leaves(&event);
        for (part, value) in [(Part::Message, "m"), (Part::Level, "warn"), (Part::Service, "s")] {
            assert_eq!(json::plain(part.take(&mut leaves).unwrap().value), value);
        }
        assert_eq!(timestamp(&event), Timestamp::parse("2023-11-14T22:13:20Z"));
        assert_eq!(timestamp(&raw(r#"{"time":"2023-11-14T22:13:20Z"}"#)), timestamp(&event));
        assert_eq!(timestamp(&raw(r#"{"a":1}"#)), None);
    }

    #[test]
    fn the_order_of_fields_makes_no_other_event() {
        let print = |json: &str| fingerprint(&raw(json));
        assert_eq!(print(r#"{"a":{"b":1,"c":"x"},"d":[1]}"#), print(r#"{"d":[1],"a":{"c":"x","b":1}}"#));
        assert_ne!(print(r#"{"a":1,"b":2}"#), print(r#"{"a":2,"b":1}"#));
        assert_ne!(print(r#"{"a":1}"#), print(r#"{"a":1.0}"#));
    }
}
