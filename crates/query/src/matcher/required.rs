//! Literals without which a regex cannot match.

use regex_syntax::hir::{Class, Hir, HirKind};

/// Most literals in a set: what a vectorised search of many needles still likes.
const MAX_LITERALS: usize = 48;
/// Largest class that is taken as alternatives: the cases of a letter, `[0-3]`.
const MAX_CLASS: usize = 4;
/// Shortest literal worth looking for, in bytes; shorter ones are nearly everywhere.
const MIN_BYTES: usize = 2;
/// Longest literal, in bytes: more would not skip more.
const MAX_BYTES: usize = 32;

/// A set of literals of which every match holds one; `None` when there is no useful set.
pub(super) fn literals(hir: &Hir) -> Option<Vec<Vec<u8>>> {
    let found = examine(hir);
    let mut best = found.required;
    if let Some(exact) = found.exact {
        best = better(best, exact);
    }
    best.filter(|set| shortest(set) >= MIN_BYTES)
}

/// What is known of an expression.
struct Found {
    /// All the strings it matches, if they are few.
    exact: Option<Vec<Vec<u8>>>,
    /// A set of which every match holds one.
    required: Option<Vec<Vec<u8>>>,
}

impl Found {
    fn nothing() -> Self {
        Self { exact: None, required: None }
    }

    fn exactly(set: Vec<Vec<u8>>) -> Self {
        Self { exact: Some(set), required: None }
    }

    /// The best set there is, once what it matches no longer matters.
    fn into_required(self) -> Option<Vec<Vec<u8>>> {
        match self.exact {
            Some(exact) => better(self.required, exact),
            None => self.required,
        }
    }
}

fn examine(hir: &Hir) -> Found {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => Found::exactly(vec![Vec::new()]),
        HirKind::Literal(literal) => Found::exactly(vec![literal.0.to_vec()]),
        HirKind::Class(class) => characters(class).map_or_else(Found::nothing, Found::exactly),
        HirKind::Capture(capture) => examine(&capture.sub),
        HirKind::Repetition(repetition) if repetition.min > 0 => {
            let inner = examine(&repetition.sub);
            if repetition.max == Some(1) { inner } else { Found { exact: None, required: inner.into_required() } }
        }
        HirKind::Repetition(_) => Found::nothing(),
        HirKind::Concat(parts) => concat(parts),
        HirKind::Alternation(parts) => alternation(parts),
    }
}

fn characters(class: &Class) -> Option<Vec<Vec<u8>>> {
    let Class::Unicode(class) = class else { return None };
    let mut set = Vec::new();
    for range in class.iter() {
        for c in range.start()..=range.end() {
            if set.len() == MAX_CLASS {
                return None;
            }
            set.push(c.encode_utf8(&mut [0; 4]).as_bytes().to_vec());
        }
    }
    Some(set)
}

fn concat(parts: &[Hir]) -> Found {
    let mut best = None;
    let mut all_exact = true;
    let mut run = vec![Vec::new()];
    for part in parts {
        let found = examine(part);
        best = match found.required {
            Some(set) => better(best, set),
            None => best,
        };
        match found.exact {
            Some(set) => match cross(&run, &set) {
                Some(longer) => run = longer,
                None => {
                    all_exact = false;
                    best = better(best, std::mem::replace(&mut run, set));
                }
            },
            None => {
                all_exact = false;
                best = better(best, std::mem::replace(&mut run, vec![Vec::new()]));
            }
        }
    }
    if all_exact {
        Found { exact: Some(run), required: best }
    } else {
        Found { exact: None, required: better(best, run) }
    }
}

fn alternation(parts: &[Hir]) -> Found {
    let mut exact = Some(Vec::new());
    let mut required = Some(Vec::new());
    for part in parts {
        let found = examine(part);
        exact = match (exact, &found.exact) {
            (Some(set), Some(more)) => union(set, more),
            _ => None,
        };
        required = match (required, found.into_required()) {
            (Some(set), Some(more)) => union(set, &more),
            _ => None,
        };
    }
    Found { exact, required }
}

fn union(mut set: Vec<Vec<u8>>, more: &[Vec<u8>]) -> Option<Vec<Vec<u8>>> {
    set.extend_from_slice(more);
    set.sort_unstable();
    set.dedup();
    (set.len() <= MAX_LITERALS).then_some(set)
}

fn cross(left: &[Vec<u8>], right: &[Vec<u8>]) -> Option<Vec<Vec<u8>>> {
    let fits = left.len() * right.len() <= MAX_LITERALS
        && left.iter().map(Vec::len).max().unwrap_or(0) <= MAX_BYTES
        && right.iter().map(Vec::len).max().unwrap_or(0) <= MAX_BYTES;
    fits.then(|| left.iter().flat_map(|a| right.iter().map(move |b| [&a[..], &b[..]].concat())).collect())
}

fn shortest(set: &[Vec<u8>]) -> usize {
    set.iter().map(Vec::len).min().unwrap_or(0)
}

/// The set that lets less through: longer literals first, then fewer.
fn better(old: Option<Vec<Vec<u8>>>, new: Vec<Vec<u8>>) -> Option<Vec<Vec<u8>>> {
    let worth = |set: &[Vec<u8>]| (shortest(set), std::cmp::Reverse(set.len()));
    match old {
        Some(old) if worth(&old) >= worth(&new) => Some(old),
        old if shortest(&new) == 0 => old,
        _ => Some(new),
    }
}
