//! The canonical fields and the other names they go by.

use trawl_event::block::{LEVEL, MESSAGE, SERVICE};
use trawl_event::shred::{LEVEL_NAMES, MESSAGE_NAMES, SERVICE_NAMES, TIMESTAMP_NAMES};

/// Canonical columns with every name under which they may be sent, the canonical one first.
const COLUMNS: [(&str, &[&str]); 3] = [(SERVICE, &SERVICE_NAMES), (LEVEL, &LEVEL_NAMES), (MESSAGE, &MESSAGE_NAMES)];

/// Whether values of this field are compared as levels.
pub(crate) fn is_level(name: &str) -> bool {
    LEVEL_NAMES.contains(&name)
}

/// Whether `name` is another name of the timestamp.
pub(crate) fn is_timestamp_alias(name: &str) -> bool {
    TIMESTAMP_NAMES[1..].contains(&name)
}

/// The canonical column that may have been sent as `name`, or, if `below`, as a name below it
/// (`log` of `log.level`); never the column of that very name.
pub(crate) fn canonical_of(name: &str, below: bool) -> impl Iterator<Item = &'static str> {
    COLUMNS.iter().filter_map(move |(canonical, names)| {
        let matches = |alias: &&str| **alias == *name || (below && is_below(alias, name));
        (*canonical != name && names[1..].iter().any(matches)).then_some(*canonical)
    })
}

/// Every name a canonical field may have been sent under, if `name` is canonical.
pub(crate) fn names_of(name: &str) -> &'static [&'static str] {
    match name {
        trawl_event::block::TIMESTAMP => &TIMESTAMP_NAMES,
        _ => COLUMNS.iter().find(|(canonical, _)| *canonical == name).map_or(&[], |(_, names)| names),
    }
}

/// Whether `name` is a path below `parent`.
pub(crate) fn is_below(name: &str, parent: &str) -> bool {
    name.strip_prefix(parent).is_some_and(|rest| rest.starts_with('.'))
}
