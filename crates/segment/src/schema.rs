//! Which attribute paths become Parquet columns.

use std::collections::HashMap;

use trawl_event::block::{LEVEL, MESSAGE, SERVICE, TIMESTAMP, TRACE_ID};
use trawl_event::{Block, Kind, Path};

use crate::format::{ENVELOPE, REST};
use crate::read::SegmentReader;

/// The text columns that every segment has, behind `timestamp`.
pub(crate) const CANONICAL: [&str; 4] = [SERVICE, LEVEL, MESSAGE, TRACE_ID];

/// One path of one kind that occurs in a segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// Where its values stand in their events.
    pub path: Path,
    /// Their type.
    pub kind: Kind,
    /// How many events have one; `None` when it is known only that it occurs (in `_rest`).
    pub rows: Option<u64>,
}

/// The paths, kinds and row counts of what is going to be written. The Parquet columns
/// follow from it: see the crate's head.
#[derive(Clone, Debug, Default)]
pub struct Schema {
    rows: HashMap<(Path, Kind), u64>,
}

impl Schema {
    /// What these blocks hold together.
    pub fn of_blocks<'b>(blocks: impl IntoIterator<Item = &'b Block>) -> Self {
        let mut schema = Self::default();
        for column in blocks.into_iter().flat_map(|block| &block.columns) {
            schema.add(&column.path, column.values.kind(), column.rows.len() as u64);
        }
        schema
    }

    /// What these segments hold together.
    pub fn union<'r>(readers: impl IntoIterator<Item = &'r SegmentReader>) -> Self {
        let mut schema = Self::default();
        for reader in readers {
            schema.merge(&reader.schema());
        }
        schema
    }

    /// Adds what `other` holds.
    pub fn merge(&mut self, other: &Schema) {
        for ((path, kind), rows) in &other.rows {
            self.add(path, *kind, *rows);
        }
    }

    pub(crate) fn add(&mut self, path: &Path, kind: Kind, rows: u64) {
        *self.rows.entry((path.clone(), kind)).or_default() += rows;
    }

    /// The columns of a segment with this content.
    pub(crate) fn layout(self, columns_max: usize) -> Layout {
        let mut by_name: HashMap<String, Attribute> = HashMap::new();
        for ((path, kind), rows) in self.rows {
            let name = path.name();
            // A path without a counted row is known from `_rest` only, and stays there.
            if rows == 0 || is_canonical(&path, kind) || !may_be_column(&name) {
                continue;
            }
            let attribute = Attribute { name: name.clone(), path, kind, rows };
            match by_name.entry(name) {
                std::collections::hash_map::Entry::Occupied(mut kept) if kept.get().loses_to(&attribute) => {
                    kept.insert(attribute);
                }
                std::collections::hash_map::Entry::Occupied(_) => {}
                std::collections::hash_map::Entry::Vacant(free) => {
                    free.insert(attribute);
                }
            }
        }
        let mut attributes: Vec<Attribute> = by_name.into_values().collect();
        attributes.sort_unstable_by(|one, other| other.rows.cmp(&one.rows).then_with(|| one.name.cmp(&other.name)));
        attributes.truncate(columns_max);
        attributes.sort_unstable_by(|one, other| one.name.cmp(&other.name));
        Layout::new(attributes)
    }
}

/// A candidate for a column.
struct Attribute {
    name: String,
    path: Path,
    kind: Kind,
    rows: u64,
}

impl Attribute {
    /// Whether `other`, which has the same name, has the better claim to it. Never the same
    /// answer both ways round, so that the winner does not hang on the order of asking.
    fn loses_to(&self, other: &Attribute) -> bool {
        (self.rows, std::cmp::Reverse((self.kind, &self.path)))
            < (other.rows, std::cmp::Reverse((other.kind, &other.path)))
    }
}

/// Whether the path and kind are those of a column that every segment has.
pub(crate) fn is_canonical(path: &Path, kind: Kind) -> bool {
    kind == Kind::Text && matches!(path.keys(), [key] if CANONICAL.contains(&&**key))
}

/// Whether an attribute of this name can have a column: reserved names cannot, nor can
/// names that other Parquet readers stumble over.
fn may_be_column(name: &str) -> bool {
    let reserved = CANONICAL.contains(&name) || [TIMESTAMP, REST, ENVELOPE].contains(&name);
    !reserved && !name.is_empty() && !name.chars().any(char::is_control)
}

/// The columns of one segment between `timestamp` and `_rest`.
pub(crate) struct Layout {
    /// Name, path and kind of each: the canonical ones first, then the attributes by name.
    pub(crate) columns: Vec<(String, Path, Kind)>,
    index: HashMap<(Path, Kind), usize>,
}

impl Layout {
    fn new(attributes: Vec<Attribute>) -> Self {
        let canonical = CANONICAL.iter().map(|name| ((*name).to_owned(), Path::of(name), Kind::Text));
        let attributes = attributes.into_iter().map(|attribute| (attribute.name, attribute.path, attribute.kind));
        let columns: Vec<_> = canonical.chain(attributes).collect();
        let index = columns.iter().enumerate().map(|(at, (_, path, kind))| ((path.clone(), *kind), at)).collect();
        Self { columns, index }
    }

    /// The column for this path and kind; without one it goes into `_rest`.
    pub(crate) fn column_of(&self, path: &Path, kind: Kind) -> Option<usize> {
        self.index.get(&(path.clone(), kind)).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layout_of(fields: &[(&[&str], Kind, u64)], columns_max: usize) -> Vec<(String, Kind)> {
        let mut schema = Schema::default();
        for (keys, kind, rows) in fields {
            schema.add(&Path::new(keys.iter().copied()), *kind, *rows);
        }
        let columns = schema.layout(columns_max).columns;
        columns.into_iter().skip(CANONICAL.len()).map(|(name, _, kind)| (name, kind)).collect()
    }

    #[test]
    fn the_kind_with_most_rows_wins_the_name() {
        let fields: [(&[&str], Kind, u64); 3] =
            [(&["a", "b"], Kind::Int, 2), (&["a.b"], Kind::Int, 3), (&["a", "b"], Kind::Text, 4)];
        assert_eq!(layout_of(&fields, 10), [("a.b".into(), Kind::Text)]);
    }

    #[test]
    fn columns_beyond_the_budget_are_those_with_fewest_rows() {
        let fields: [(&[&str], Kind, u64); 3] =
            [(&["x"], Kind::Int, 1), (&["y"], Kind::Int, 3), (&["z"], Kind::Int, 2)];
        assert_eq!(layout_of(&fields, 2), [("y".into(), Kind::Int), ("z".into(), Kind::Int)]);
    }

    #[test]
    fn reserved_and_unspeakable_names_get_no_column() {
        let fields: [(&[&str], Kind, u64); 6] = [
            (&["timestamp"], Kind::Int, 1),
            (&["_rest"], Kind::Text, 1),
            (&["message"], Kind::Json, 1),
            (&["service"], Kind::Text, 1),
            (&[""], Kind::Text, 1),
            (&["a\u{0}b"], Kind::Text, 1),
        ];
        assert_eq!(layout_of(&fields, 10), []);
    }
}
