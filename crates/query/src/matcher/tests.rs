//! A scan over a column finds what looking at each text finds.

use crate::Stop;
use proptest::prelude::*;
use regex_automata::Input;
use trawl_event::{Form, Texts};

use super::Matcher;
use super::run::Run;
use crate::ast::{RegexTerm, Term};
use crate::regexes;

fn term(pattern: &str, ignore_case: bool) -> RegexTerm {
    RegexTerm { pattern: pattern.to_owned(), ignore_case }
}

/// The texts that hold a match, by one scan and one by one.
fn both_ways(pattern: &str, ignore_case: bool, strings: &[impl AsRef<str>]) -> (Vec<usize>, Vec<usize>) {
    let matcher = Matcher::new(&Term::Regex(term(pattern, ignore_case))).unwrap_or_else(|e| panic!("{pattern}: {e}"));
    let mut scratch = matcher.scratch(&Stop::never());
    let mut texts = Texts::default();
    strings.iter().for_each(|text| texts.push(text.as_ref()));
    let Form::Plain(plain) = texts.form() else { panic!("plain texts") };
    let mut scanned = Vec::new();
    matcher.scan(plain, &mut scratch, |index| scanned.push(index));
    let Ok(regex) = regexes::compile(&term(pattern, ignore_case)) else { panic!("{pattern} does not compile") };
    let plainly = |index: &usize| regex.regex.search(&Input::new(strings[*index].as_ref())).is_some();
    let single: Vec<usize> = (0..strings.len()).filter(plainly).collect();
    for (index, text) in strings.iter().enumerate() {
        assert_eq!(matcher.is_in(text.as_ref(), &mut scratch), single.contains(&index), "/{pattern}/");
    }
    (scanned, single)
}

fn regex() -> impl Strategy<Value = String> {
    let atom = prop::sample::select(vec![
        "a", "b", "1", ":", "\\.", " ", "\\d", "\\w", "\\S", "[ab]", "[1-3:]", "@", "[^a]", ".", "\u{e9}", "aé", "b1",
    ]);
    let look = prop::sample::select(vec!["\\b", "\\B", "^", "$", "(?m:^)", "(?m:$)"]);
    let leaf = prop_oneof![8 => atom, 1 => look].prop_map(str::to_owned);
    leaf.prop_recursive(4, 24, 5, |inner| {
        let repeats =
            prop::sample::select(vec!["?", "*", "+", "{2}", "{3}", "{1,3}", "{2,3}", "{2,}", "{20}", "{17,19}"]);
        prop_oneof![
            6 => prop::collection::vec(inner.clone(), 1..5).prop_map(|parts| parts.concat()),
            3 => (inner.clone(), repeats).prop_map(|(inner, repeat)| format!("(?:{inner}){repeat}")),
            1 => prop::collection::vec(inner.clone(), 2..4).prop_map(|parts| format!("(?:{})", parts.join("|"))),
            1 => inner.prop_map(|inner| format!("({inner})")),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_scan_agrees_with_a_look_at_each_text(
        pattern in regex(),
        ignore_case in any::<bool>(),
        strings in prop::collection::vec("([abB1:. é@]|11|:1|1\\.1|[ab1]{16,24}|\n){0,8}", 0..12),
    ) {
        let (scanned, single) = both_ways(&pattern, ignore_case, &strings);
        prop_assert_eq!(scanned, single, "/{}/ in {:?}", pattern, strings);
    }
}

#[test]
fn a_match_across_two_texts_is_none() {
    for pattern in ["1:23", "\\d{1,3}:\\d{2}", "\\b\\d:\\d\\d\\b", "\\d{4}", "\\d[.:]\\d", "(?:\\d\\.){2}\\d:\\d"] {
        let (scanned, single) =
            both_ways(pattern, false, &["1", ":23", "1:2", "3", "", "12", "34", "1.", "1.", "1:1", "1:23"]);
        assert_eq!(scanned, single, "{pattern}");
    }
}

#[test]
fn what_stands_around_a_run_counts() {
    let address = r"\b(?:\d{1,3}\.){3}\d{1,3}:\d{4,5}\b";
    let strings = [
        "10.1.2.3:8080",
        "x10.1.2.3:80801",
        "10.1.2.3:808012",
        "at 1:2345 10.1.2.33:8080.",
        "10.1.2:8080",
        "é10.1.2.3:8080",
    ];
    let (scanned, single) = both_ways(address, false, &strings);
    assert_eq!(scanned, [0, 3, 5]);
    assert_eq!(scanned, single);
}

#[test]
fn runs_are_found_where_they_pay() {
    let run = |pattern: &str| {
        let hir = regexes::parse(&term(pattern, false)).unwrap_or_else(|_| panic!("{pattern} does not parse"));
        Run::of(&hir).map(|run| (run.len(), run.before, run.is_all))
    };
    assert_eq!(run(r"\b(?:\d{1,3}\.){3}\d{1,3}:\d{4,5}\b"), Some((6, Some(14), false)));
    assert_eq!(run(r"\d{5}"), Some((5, Some(0), true)));
    assert_eq!(run(r"[a-z]+@[a-z]+"), Some((3, None, false)));
    assert_eq!(run(r"[0-9a-f]{32,}"), Some((16, Some(0), false)));
    assert_eq!(run(r"\b[0-9a-f]{8}\b"), Some((8, Some(0), false)));
    assert_eq!(run(r"^\S+ \w+$"), None);
    assert_eq!(run(r"[^ ]+@[^ ]"), Some((1, None, false)));
    assert_eq!(run(r"[^ ]+ [^ ]"), None);
    assert_eq!(run(r"x*"), None);
    assert_eq!(run(r"(?:ab?)*:?"), None);
    assert_eq!(run(r"(?:(?:(?:(?:(?:\d\.{4}){4}){4}){4}){4}){4}").map(|(len, ..)| len > 4), Some(true));
}
