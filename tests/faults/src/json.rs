//! Whether two JSON texts say the same, to the spelling of their numbers: only the order of keys is free.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

/// JSON with its scalars as they are spelled; strings are compared by what they say.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Json {
    /// `null`, a boolean or a number.
    Literal(String),
    /// A string, unescaped.
    Text(String),
    /// An array.
    Array(Vec<Json>),
    /// An object; of equal keys the last counts.
    Object(BTreeMap<String, Json>),
}

impl Json {
    /// Reads JSON text; `None` when it is none.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        match text.bytes().next()? {
            b'{' => {
                let fields: BTreeMap<String, &RawValue> = serde_json::from_str(text).ok()?;
                let parsed = fields.into_iter().map(|(key, value)| Some((key, Self::parse(value.get())?)));
                parsed.collect::<Option<_>>().map(Self::Object)
            }
            b'[' => {
                let items: Vec<&RawValue> = serde_json::from_str(text).ok()?;
                items.into_iter().map(|item| Self::parse(item.get())).collect::<Option<_>>().map(Self::Array)
            }
            b'"' => serde_json::from_str(text).ok().map(Self::Text),
            _ => serde_json::from_str::<&RawValue>(text).ok().map(|raw| Self::Literal(raw.get().to_owned())),
        }
    }

    /// The value of a field, if this is an object that has it.
    pub fn field(&self, name: &str) -> Option<&Self> {
        match self {
            Self::Object(fields) => fields.get(name),
            _ => None,
        }
    }

    /// The same without a field.
    pub fn without(mut self, name: &str) -> Self {
        if let Self::Object(fields) = &mut self {
            fields.remove(name);
        }
        self
    }

    /// What a string says, or how another scalar is spelled.
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Literal(text) | Self::Text(text) => Some(text),
            _ => None,
        }
    }
}
