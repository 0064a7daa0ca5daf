//! `_rest`: what has no column of its own, as one JSON object per row.

use std::collections::BTreeSet;

use trawl_event::block::Projection;
use trawl_event::columns::Columns;
use trawl_event::restore::{push_cell, push_string};
use trawl_event::{Column, Kind, Path};

use crate::error::{Error, Result};
use crate::format::MAX_REST_NAMES;

/// One value of `_rest`: its row, its column among those of `_rest`, and its place there.
type Entry = (u32, u32, u32);

/// The rows that have anything in `_rest`, and their JSON texts. `place` gives the row a
/// value is written to, if it is.
pub(crate) fn build(columns: &[&Column], place: impl Fn(u32) -> Option<u32>) -> (Vec<u32>, Vec<String>) {
    // In order of their paths, so that fields of one object stand together.
    let mut columns: Vec<&Column> = columns.to_vec();
    columns.sort_by(|one, other| one.path.cmp(&other.path).then(one.values.kind().cmp(&other.values.kind())));
    let mut entries: Vec<Entry> = Vec::new();
    for (column, number) in columns.iter().zip(0u32..) {
        let placed = column.rows.iter().zip(0u32..).filter_map(|(row, index)| Some((place(*row)?, number, index)));
        entries.extend(placed);
    }
    entries.sort_unstable();
    let (mut rows, mut texts) = (Vec::new(), Vec::new());
    for row in entries.chunk_by(|one, other| one.0 == other.0) {
        rows.extend(row.first().map(|entry| entry.0));
        texts.push(object(&columns, row));
    }
    (rows, texts)
}

/// The JSON object of one row's entries, which are in order of their paths.
fn object(columns: &[&Column], entries: &[Entry]) -> String {
    let mut json = String::from("{");
    let mut open: &[Box<str>] = &[];
    for (_, number, index) in entries {
        let column = columns[*number as usize];
        let Some((leaf, parents)) = column.path.keys().split_last() else { continue };
        let common = open.iter().zip(parents).take_while(|(one, other)| one == other).count();
        for _ in common..open.len() {
            json.push('}');
        }
        for key in &parents[common..] {
            push_key(key, &mut json);
            json.push('{');
        }
        open = parents;
        push_key(leaf, &mut json);
        push_cell(&column.values, *index as usize, &mut json);
    }
    for _ in 0..=open.len() {
        json.push('}');
    }
    json
}

fn push_key(key: &str, json: &mut String) {
    if !json.ends_with('{') {
        json.push(',');
    }
    push_string(key, json);
    json.push(':');
}

/// Turns texts back into columns.
pub(crate) fn parse<'t>(rows: &[u32], texts: impl Iterator<Item = &'t str>) -> Result<Vec<Column>> {
    let mut columns = Columns::default();
    for (row, text) in rows.iter().zip(texts) {
        columns
            .add(text.as_bytes(), *row)
            .map_err(|error| Error::corrupt(format!("{}: {error}", crate::format::REST)))?;
    }
    Ok(columns.finish())
}

/// The paths and kinds that occur in `_rest`.
#[derive(Clone, Debug, Default)]
pub(crate) struct RestNames {
    names: BTreeSet<(Path, Kind)>,
    /// There were too many to list.
    open: bool,
}

impl RestNames {
    /// These, which are all of them if `is_complete`.
    pub(crate) fn new(names: BTreeSet<(Path, Kind)>, is_complete: bool) -> Self {
        Self { names, open: !is_complete }
    }

    /// Whether all names are listed.
    pub(crate) fn is_complete(&self) -> bool {
        !self.open
    }

    pub(crate) fn insert(&mut self, path: &Path, kind: Kind) {
        let field = (path.clone(), kind);
        if self.names.len() < MAX_REST_NAMES {
            self.names.insert(field);
        } else {
            self.open |= !self.names.contains(&field);
        }
    }

    /// The paths and kinds, as far as they are listed.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &(Path, Kind)> {
        self.names.iter()
    }

    /// Whether something that is wanted may be in `_rest`.
    pub(crate) fn wanted_by(&self, projection: &Projection) -> bool {
        match projection {
            Projection::All => self.open || !self.names.is_empty(),
            Projection::Some { texts, names, .. } => {
                (self.open && (*texts || !names.is_empty()))
                    || self.names.iter().any(|(path, kind)| projection.wants(&path.name(), *kind))
            }
        }
    }
}
