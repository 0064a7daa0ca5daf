//! Deciding about the strings of a column: about each distinct one once, where they are coded.

use trawl_event::{Column, Form, RowSet, Texts};

use crate::matcher::{Matcher, Scratch};

/// Strings are searched as a whole unless fewer than one in this many of them are asked for.
const SPARSE: usize = 8;

/// Adds to `found` the rows whose string holds the term: every such row of `within`, and perhaps others.
pub(super) fn holding(
    matcher: &Matcher,
    scratch: &mut Scratch,
    column: &Column,
    texts: &Texts,
    within: &RowSet,
    found: &mut RowSet,
) {
    let form = texts.form();
    let stored = match form {
        Form::Plain(texts) => texts,
        Form::Coded { distinct, .. } => distinct,
    };
    if asked(column, within) < stored.len() / SPARSE {
        return passing(column, texts, within, found, |text| matcher.is_in(text, scratch));
    }
    match form {
        Form::Plain(texts) => matcher.scan(texts, scratch, |index| found.insert(column.rows[index] as usize)),
        Form::Coded { distinct, codes } => {
            let mut holds = vec![false; distinct.len()];
            matcher.scan(distinct, scratch, |code| holds[code] = true);
            add_coded(column, codes, &holds, found);
        }
    }
}

/// Adds to `found` the rows whose string passes: every such row of `within`, and perhaps others.
pub(super) fn passing(
    column: &Column,
    texts: &Texts,
    within: &RowSet,
    found: &mut RowSet,
    mut passes: impl FnMut(&str) -> bool,
) {
    match texts.form() {
        Form::Plain(texts) => {
            // Rows stand like beside like: often a string is the one before it.
            let mut last: Option<(&str, bool)> = None;
            each_asked(column, within, found, |index| {
                let text = texts.get(index);
                match last {
                    Some((same, verdict)) if same == text => verdict,
                    _ => last.insert((text, passes(text))).1,
                }
            });
        }
        Form::Coded { distinct, codes } if distinct.len() <= asked(column, within) => {
            let verdicts: Vec<bool> = distinct.iter().map(passes).collect();
            add_coded(column, codes, &verdicts, found);
        }
        Form::Coded { distinct, codes } => {
            let mut verdicts: Vec<Option<bool>> = vec![None; distinct.len()];
            each_asked(column, within, found, |index| {
                let code = codes[index] as usize;
                *verdicts[code].get_or_insert_with(|| passes(distinct.get(code)))
            });
        }
    }
}

/// How many strings are asked for, at most.
fn asked(column: &Column, within: &RowSet) -> usize {
    within.count().min(column.rows.len())
}

/// Adds the rows of `within` whose string, given by its index, passes.
fn each_asked(column: &Column, within: &RowSet, found: &mut RowSet, mut passes: impl FnMut(usize) -> bool) {
    if within.count() < column.rows.len() / SPARSE {
        for row in within.iter() {
            if column.index_of(row as u32).is_some_and(&mut passes) {
                found.insert(row);
            }
        }
        return;
    }
    for (index, row) in column.rows.iter().enumerate() {
        let row = *row as usize;
        if within.contains(row) && passes(index) {
            found.insert(row);
        }
    }
}

/// Adds the rows whose code has a good verdict.
fn add_coded(column: &Column, codes: &[u32], verdicts: &[bool], found: &mut RowSet) {
    if !verdicts.contains(&true) {
        return;
    }
    let passes = |code: u32| verdicts[code as usize];
    if codes.len() == found.rows() {
        found.union(&RowSet::from_values(codes, passes));
    } else {
        column.rows.iter().zip(codes).for_each(|(row, code)| found.insert_if(*row as usize, passes(*code)));
    }
}
