//! What must stand in a run of events for one of them to match a query: the question to an index.

/// A formula that is true of every run of events that holds a match, and of others.
#[derive(Clone, Debug, PartialEq)]
pub enum Evidence {
    /// Nothing is known: any run may hold a match.
    Anything,
    /// All of these hold; when none is named, any run will do.
    All(Vec<Evidence>),
    /// One of these holds; when none is named, no run will do.
    Any(Vec<Evidence>),
    /// Some text of an event holds the fragment.
    Text(Fragment),
    /// Some text in a column of this name holds the fragment.
    FieldText {
        /// The dotted name of the column.
        name: String,
        /// What stands there.
        fragment: Fragment,
    },
    /// Some value in a column of this name is this integer or boolean.
    FieldValue {
        /// The dotted name of the column.
        name: String,
        /// The value as JSON spells it; `None` for one that is neither, which an index need not know.
        value: Option<String>,
    },
    /// Some value in a column of this name is a number between these (both included), or a text that spells one.
    FieldNumber {
        /// The dotted name of the column.
        name: String,
        /// The least number.
        low: f64,
        /// The greatest number.
        high: f64,
    },
    /// Some value in a column of a level ([`crate::shred::LEVEL_NAMES`]) is of one of these ranks.
    FieldLevel {
        /// A bit for each rank, [`crate::Level::bit`].
        ranks: u8,
    },
}

/// A piece of a text, letter case ignored ([`crate::text::fold`]).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fragment {
    /// What stands there.
    pub text: String,
    /// No character of a word stands directly before it.
    pub starts_word: bool,
    /// No character of a word stands directly after it.
    pub ends_word: bool,
}

impl Fragment {
    /// A piece that may begin and end inside words.
    pub fn inside(text: impl Into<String>) -> Self {
        Self { text: text.into(), starts_word: false, ends_word: false }
    }
}

impl Evidence {
    /// All of these hold.
    pub fn all(sides: impl IntoIterator<Item = Evidence>) -> Self {
        let mut sides: Vec<Self> = sides.into_iter().filter(|side| *side != Self::Anything).collect();
        match sides.len() {
            0 => Self::Anything,
            1 => sides.remove(0),
            _ => Self::All(sides),
        }
    }

    /// One of these holds.
    pub fn any(sides: impl IntoIterator<Item = Evidence>) -> Self {
        let mut sides: Vec<Self> = sides.into_iter().collect();
        match sides.len() {
            _ if sides.contains(&Self::Anything) => Self::Anything,
            1 => sides.remove(0),
            _ => Self::Any(sides),
        }
    }
}
