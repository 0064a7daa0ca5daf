//! Queries, each with what it should mean said a second time: as a function of an event.

use std::cmp::Ordering;

use regex::Regex;
use serde_json::Value;
use trawl_system::chance::Chance;

use crate::event::{Event, Needle, Number, Text};

/// The text of a query, and which events it should find.
pub struct Generated {
    pub text: String,
    pub passes: Box<dyn Fn(&Event) -> bool>,
}

/// Deepest nesting of groups.
const DEPTH: usize = 3;
/// Spellings of levels by rank.
const LEVELS: [&[&str]; 6] = [
    &["trace", "verbose", "finest"],
    &["debug", "fine", "7", "8"],
    &["info", "information", "notice", "5", "6", "9", "10", "11", "12"],
    &["warn", "warning", "4", "13", "14", "15", "16"],
    &["error", "err", "severe", "3", "17", "18", "19", "20"],
    &["fatal", "critical", "crit", "alert", "emerg", "emergency", "panic", "0", "1", "2", "21", "22", "23", "24"],
];

/// Makes queries of what the events hold.
pub struct Generator<'g> {
    events: &'g [Event],
    chance: &'g mut Chance,
}

fn generated(text: String, passes: impl Fn(&Event) -> bool + 'static) -> Generated {
    Generated { text, passes: Box::new(passes) }
}

/// What is looked for in one text, as it is written in a query.
struct Term {
    text: String,
    is_in: Box<dyn Fn(&Text) -> bool>,
    /// What it spells when it has no wildcard and is no regex.
    value: Option<String>,
}

impl<'g> Generator<'g> {
    pub fn new(events: &'g [Event], chance: &'g mut Chance) -> Self {
        Self { events, chance }
    }

    pub fn query(&mut self) -> Generated {
        let depth = self.chance.below(DEPTH);
        self.filter(depth)
    }

    fn filter(&mut self, depth: usize) -> Generated {
        if depth == 0 {
            return if self.chance.percent(45) { self.in_any_text() } else { self.in_field() };
        }
        match self.chance.below(4) {
            0 => {
                let inner = self.filter(depth - 1);
                let sign = *self.chance.pick(&["NOT ", "-"]);
                generated(format!("{sign}({})", inner.text), move |event| !(inner.passes)(event))
            }
            1 => {
                let (one, other) = (self.filter(depth - 1), self.filter(depth - 1));
                let sign = *self.chance.pick(&[" ", " AND "]);
                let text = format!("({}){sign}({})", one.text, other.text);
                generated(text, move |event| (one.passes)(event) && (other.passes)(event))
            }
            2 => {
                let (one, other) = (self.filter(depth - 1), self.filter(depth - 1));
                let text = format!("({}) OR ({})", one.text, other.text);
                generated(text, move |event| (one.passes)(event) || (other.passes)(event))
            }
            // Without parentheses: AND binds before OR.
            _ => {
                let (a, b, c) = (self.filter(0), self.filter(0), self.filter(0));
                let text = format!("{} OR {} {}", a.text, b.text, c.text);
                generated(text, move |event| (a.passes)(event) || ((b.passes)(event) && (c.passes)(event)))
            }
        }
    }

    fn in_any_text(&mut self) -> Generated {
        let event = self.chance.pick(self.events);
        let texts: Vec<&String> =
            event.texts.iter().map(|text| &text.plain).filter(|text| !text.trim().is_empty()).collect();
        if texts.is_empty() {
            return generated("*".to_owned(), |_| true);
        }
        let text = (*self.chance.pick(&texts)).clone();
        let Term { text, is_in, .. } = self.term(&text);
        generated(text, move |event| event.texts.iter().any(&is_in))
    }

    /// A term that is found in `text`.
    fn term(&mut self, text: &str) -> Term {
        let words: Vec<&str> =
            text.split(|c: char| !(c.is_alphanumeric() || c == '_')).filter(|w| !w.is_empty()).collect();
        let tokens: Vec<&str> = text.split_whitespace().collect();
        let Some(word) = (!words.is_empty()).then(|| *self.chance.pick(&words)) else { return self.phrase(text) };
        let is_keyword = ["AND", "OR", "NOT", "TO"].contains(&word);
        match self.chance.below(8) {
            0 | 1 if !is_keyword => {
                let spelled = self.any_case(word);
                let needle = Needle::new(&[word], true, true);
                Term {
                    text: spelled,
                    is_in: Box::new(move |text| needle.is_in(&text.folded)),
                    value: Some(word.to_owned()),
                }
            }
            2 => self.with_wildcards(word),
            3 => {
                let token = *self.chance.pick(&tokens);
                self.two_parts(token).unwrap_or_else(|| self.phrase(text))
            }
            4 | 5 => self.regex(word),
            _ => self.phrase(text),
        }
    }

    /// A phrase: some of the text, from anywhere to anywhere.
    fn phrase(&mut self, text: &str) -> Term {
        let chars: Vec<char> = text.chars().collect();
        let begin = self.chance.below(chars.len());
        let length = 1 + self.chance.below((chars.len() - begin).min(30));
        let some: String = chars[begin..begin + length].iter().collect();
        let needle = Needle::new(&[&some], true, true);
        Term { text: quoted(&some), is_in: Box::new(move |text| needle.is_in(&text.folded)), value: Some(some) }
    }

    fn with_wildcards(&mut self, word: &str) -> Term {
        let chars: Vec<char> = word.chars().collect();
        let cut = 1 + self.chance.below(chars.len());
        let (text, needle) = match self.chance.below(3) {
            0 => {
                let part: String = chars[..cut].iter().collect();
                (format!("{part}*"), Needle::new(&[&part], true, false))
            }
            1 => {
                let part: String = chars[cut - 1..].iter().collect();
                (format!("*{part}"), Needle::new(&[&part], false, true))
            }
            _ => {
                let begin = self.chance.below(cut);
                let part: String = chars[begin..cut].iter().collect();
                (format!("*{part}*"), Needle::new(&[&part], false, false))
            }
        };
        Term { text, is_in: Box::new(move |text| needle.is_in(&text.folded)), value: None }
    }

    /// `one*other`, both out of one token.
    fn two_parts(&mut self, token: &str) -> Option<Term> {
        let words: Vec<&str> = token.split(|c: char| !c.is_ascii_alphanumeric()).filter(|w| !w.is_empty()).collect();
        if words.len() < 2 {
            return None;
        }
        let place = self.chance.below(words.len() - 1);
        let parts = [words[place], words[place + 1]];
        let needle = Needle::new(&parts, true, true);
        Some(Term { text: parts.join("*"), is_in: Box::new(move |text| needle.is_in(&text.folded)), value: None })
    }

    /// A regex that finds the word; classes are spelled out for the second evaluation.
    fn regex(&mut self, word: &str) -> Term {
        let (mut asked, mut spelled_out) = (String::new(), String::new());
        let border = self.chance.percent(30) && word.is_ascii();
        if border {
            asked.push_str("\\b");
            spelled_out.push_str("(?-u:\\b)");
        }
        for c in word.chars() {
            let (one, other) = match self.chance.below(8) {
                0 if c.is_ascii_digit() => ("\\d".to_owned(), "[0-9]".to_owned()),
                1 if c.is_ascii_digit() => ("\\d+".to_owned(), "[0-9]+".to_owned()),
                2 if c.is_ascii_alphanumeric() => ("\\w".to_owned(), "[0-9A-Za-z_]".to_owned()),
                3 => (".".to_owned(), "[^\\n]".to_owned()),
                4 => (format!("({}|nothing)", regex::escape(&c.to_string())), regex::escape(&c.to_string())),
                _ => (regex::escape(&c.to_string()), regex::escape(&c.to_string())),
            };
            asked.push_str(&one);
            // `nothing` is an alternative there as well.
            spelled_out.push_str(&if one.starts_with('(') { format!("(?:{other}|nothing)") } else { other });
        }
        let ignores_case = self.chance.percent(40);
        let flags = if ignores_case { "(?i)" } else { "" };
        let compiled = Regex::new(&format!("{flags}{spelled_out}")).unwrap();
        let text = format!("/{}/{}", asked.replace('/', "\\/"), if ignores_case { "i" } else { "" });
        Term { text, is_in: Box::new(move |text| compiled.is_match(&text.plain)), value: None }
    }

    fn any_case(&mut self, word: &str) -> String {
        match self.chance.below(3) {
            0 if word.is_ascii() && !["and", "or", "not", "to"].contains(&word) => word.to_ascii_uppercase(),
            1 if word.is_ascii() => word.to_ascii_lowercase(),
            _ => word.to_owned(),
        }
    }

    fn in_field(&mut self) -> Generated {
        let event = self.chance.pick(self.events);
        let mut leaves = Vec::new();
        paths(&event.json, String::new(), &mut leaves);
        let (path, value) = self.chance.pick(&leaves).clone();
        if path == "timestamp" {
            return self.at_time(event);
        }
        let field = if path.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c)) {
            path.clone()
        } else {
            quoted(&path)
        };
        if self.chance.percent(15) {
            let parent = path.rsplit_once('.').map(|(parent, _)| parent.to_owned()).filter(|_| self.chance.percent(30));
            let (path, field) = match parent {
                Some(parent) => (parent.clone(), quoted(&parent)),
                None => (path, field),
            };
            return generated(format!("{field}:*"), move |event| event.exists(&path));
        }
        if path == "level" && self.chance.percent(40) {
            return self.level();
        }
        match &value {
            Value::String(text) if !text.trim().is_empty() && self.chance.percent(75) => {
                let Term { text, is_in, value } = self.term(text);
                generated(format!("{field}:{text}"), move |event| {
                    event.values(&path).into_iter().any(|found| match found {
                        Value::String(text) => is_in(&Text::new(text)),
                        scalar => value.as_deref().is_some_and(|value| spells(value, scalar, false)),
                    })
                })
            }
            Value::Number(_) if self.chance.percent(70) => self.compared(path, field, &value),
            _ => {
                let text = match &value {
                    Value::String(text) => text.clone(),
                    other => other.to_string(),
                };
                generated(format!("{field}:={}", quoted(&text)), move |event| {
                    event.values(&path).into_iter().any(|found| match found {
                        Value::String(found) => *found == text,
                        scalar => spells(&text, scalar, true),
                    })
                })
            }
        }
    }

    fn at_time(&mut self, event: &Event) -> Generated {
        let text = event.json["timestamp"].as_str().unwrap().to_owned();
        let time_ns = event.time_ns;
        match self.chance.below(3) {
            0 => generated(format!("timestamp:>={text}"), move |event| event.time_ns >= time_ns),
            1 => generated(format!("timestamp:<{text}"), move |event| event.time_ns < time_ns),
            _ => generated(format!("timestamp:={text}"), move |event| event.time_ns == time_ns),
        }
    }

    fn level(&mut self) -> Generated {
        let rank = self.chance.below(LEVELS.len());
        let name = *self.chance.pick(&["trace", "debug", "info", "warn", "error", "fatal"][rank..=rank]);
        let (sign, passes): (_, fn(Ordering) -> bool) = match self.chance.below(4) {
            0 => (">=", Ordering::is_ge),
            1 => (">", Ordering::is_gt),
            2 => ("<=", Ordering::is_le),
            _ => ("<", Ordering::is_lt),
        };
        generated(format!("level:{sign}{name}"), move |event| {
            event.values("level").into_iter().filter_map(rank_of).any(|found| passes(found.cmp(&rank)))
        })
    }

    fn compared(&mut self, path: String, field: String, value: &Value) -> Generated {
        let spelled = value.to_string();
        let Some(number) = Number::spelled(&spelled) else { return generated("*".to_owned(), |_| true) };
        let any = move |event: &Event, passes: &dyn Fn(Ordering) -> bool| {
            event.values(&path).into_iter().filter_map(Number::of).any(|found| passes(found.compare(number)))
        };
        match self.chance.below(6) {
            0 => generated(format!("{field}:>={spelled}"), move |event| any(event, &Ordering::is_ge)),
            1 => generated(format!("{field}:>{spelled}"), move |event| any(event, &Ordering::is_gt)),
            2 => generated(format!("{field}:<={spelled}"), move |event| any(event, &Ordering::is_le)),
            3 => generated(format!("{field}:<{spelled}"), move |event| any(event, &Ordering::is_lt)),
            4 => generated(format!("{field}:[* TO {spelled}]"), move |event| any(event, &Ordering::is_le)),
            _ => generated(format!("{field}:[{spelled} TO {spelled}]"), move |event| any(event, &Ordering::is_eq)),
        }
    }
}

/// Whether a text spells a number, boolean or null.
fn spells(text: &str, scalar: &Value, exactly: bool) -> bool {
    let text = if exactly { text.to_owned() } else { text.to_ascii_lowercase() };
    match scalar {
        Value::Null => text == "null",
        Value::Bool(bool) => text == bool.to_string(),
        Value::Number(_) => match (Number::spelled(&text), Number::of(scalar)) {
            (Some(one), Some(other)) => one.compare(other).is_eq(),
            _ => false,
        },
        _ => false,
    }
}

fn rank_of(value: &Value) -> Option<usize> {
    let text = match value {
        Value::String(text) => text.trim().to_ascii_lowercase(),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    // As syslog counts where the two numberings overlap: the graver first.
    LEVELS.iter().rposition(|names| names.contains(&text.as_str()))
}

fn paths(value: &Value, above: String, found: &mut Vec<(String, Value)>) {
    let below = |key: &str| if above.is_empty() { key.to_owned() } else { format!("{above}.{key}") };
    match value {
        Value::Object(fields) => fields.iter().for_each(|(key, field)| paths(field, below(key), found)),
        Value::Array(items) => items.iter().for_each(|item| paths(item, above.clone(), found)),
        scalar => found.push((above, scalar.clone())),
    }
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}
