//! One event, and what a query may ask of it: a plain walk over its JSON.

use serde_json::Value;

/// A string, and what it is without its case.
pub struct Text {
    pub plain: String,
    pub folded: Vec<char>,
}

impl Text {
    pub fn new(plain: &str) -> Self {
        Self { plain: plain.to_owned(), folded: plain.chars().map(folded).collect() }
    }
}

/// An event with its texts and its time at hand.
pub struct Event {
    pub json: Value,
    /// Tells it from every other event.
    pub serial: u64,
    pub time_ns: i64,
    /// Every string in it, the timestamp aside.
    pub texts: Vec<Text>,
}

impl Event {
    pub fn new(json: Value) -> Self {
        let mut texts = Vec::new();
        for (name, value) in json.as_object().unwrap() {
            if name != "timestamp" {
                strings(value, &mut texts);
            }
        }
        let serial = json["serial"].as_u64().unwrap();
        let time_ns = epoch_ns(json["timestamp"].as_str().unwrap());
        Self { json, serial, time_ns, texts }
    }

    /// The values under a dotted path: keys may hold dots themselves, arrays are looked through.
    pub fn values(&self, path: &str) -> Vec<&Value> {
        let mut found = Vec::new();
        values_at(&self.json, path, &mut found);
        found
    }

    /// Whether anything but null is there, be it an object.
    pub fn exists(&self, path: &str) -> bool {
        exists_at(&self.json, path)
    }
}

fn strings(value: &Value, texts: &mut Vec<Text>) {
    match value {
        Value::String(text) => texts.push(Text::new(text)),
        Value::Array(items) => items.iter().for_each(|item| strings(item, texts)),
        Value::Object(fields) => fields.values().for_each(|field| strings(field, texts)),
        _ => {}
    }
}

fn values_at<'v>(value: &'v Value, path: &str, found: &mut Vec<&'v Value>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| values_at(item, path, found)),
        Value::Object(fields) => {
            for (key, field) in fields {
                match path.strip_prefix(key.as_str()) {
                    Some("") => leaves(field, found),
                    Some(rest) => {
                        if let Some(rest) = rest.strip_prefix('.') {
                            values_at(field, rest, found);
                        }
                    }
                    None => {}
                }
            }
        }
        _ => {}
    }
}

fn leaves<'v>(value: &'v Value, found: &mut Vec<&'v Value>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| leaves(item, found)),
        Value::Object(_) => {}
        scalar => found.push(scalar),
    }
}

fn exists_at(value: &Value, path: &str) -> bool {
    match value {
        Value::Array(items) => items.iter().any(|item| exists_at(item, path)),
        Value::Object(fields) => fields.iter().any(|(key, field)| match path.strip_prefix(key.as_str()) {
            Some("") => !field.is_null(),
            Some(rest) => rest.strip_prefix('.').is_some_and(|rest| exists_at(field, rest)),
            None => false,
        }),
        _ => false,
    }
}

/// RFC 3339 in UTC, the zone left out or not, as nanoseconds since 1970.
pub fn epoch_ns(text: &str) -> i64 {
    let (whole, fraction) = text.trim_end_matches('Z').split_once('.').unwrap_or((text.trim_end_matches('Z'), "0"));
    let parts: Vec<i64> = whole.split(['-', 'T', ':']).map(|part| part.parse().unwrap()).collect();
    let [year, month, day, hour, minute, second] = parts[..] else { panic!("no time: {text}") };
    // Days from civil: https://howardhinnant.github.io/date_algorithms.html
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year - era * 400;
    let day_of_year = (153 * (month + if month > 2 { -3 } else { 9 }) + 2) / 5 + day - 1;
    let days = era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468;
    let seconds = ((days * 24 + hour) * 60 + minute) * 60 + second;
    seconds * 1_000_000_000 + format!("{fraction:0<9}").parse::<i64>().unwrap()
}

/// A character without its case, as far as the samples need it.
fn folded(c: char) -> char {
    let mut lower = c.to_lowercase();
    match (lower.next(), lower.next()) {
        (Some(single), None) => single,
        _ => c,
    }
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Text to look for, and whether it may begin or end inside a word.
#[derive(Clone, Debug)]
pub struct Needle {
    parts: Vec<Vec<char>>,
    bound_at_begin: bool,
    bound_at_end: bool,
}

impl Needle {
    /// The parts in this order, with nothing but what is no white space between.
    pub fn new(parts: &[&str], bound_at_begin: bool, bound_at_end: bool) -> Self {
        let parts = parts.iter().map(|part| part.chars().map(folded).collect()).collect();
        Self { parts, bound_at_begin, bound_at_end }
    }

    pub fn is_in(&self, text: &[char]) -> bool {
        let first = self.parts[0][0];
        let begins = |at: usize| !(self.bound_at_begin && is_word(first) && at > 0 && is_word(text[at - 1]));
        (0..text.len()).any(|at| begins(at) && self.goes_on(text, at, 0))
    }

    /// Whether part `part` stands at `at`, and the rest behind it.
    fn goes_on(&self, text: &[char], at: usize, part: usize) -> bool {
        let wanted = &self.parts[part];
        if !text[at..].starts_with(wanted) {
            return false;
        }
        let end = at + wanted.len();
        if part + 1 == self.parts.len() {
            let last = wanted[wanted.len() - 1];
            return !(self.bound_at_end && is_word(last) && text.get(end).is_some_and(|next| is_word(*next)));
        }
        let gap = text[end..].iter().take_while(|c| !c.is_whitespace()).count();
        (end..=end + gap).any(|next| self.goes_on(text, next, part + 1))
    }
}

/// A number by its exact value, as far as 128 bits and doubles tell.
#[derive(Clone, Copy, Debug)]
pub enum Number {
    Whole(i128),
    Real(f64),
}

impl Number {
    /// The number that a JSON value is, or that a string spells.
    pub fn of(value: &Value) -> Option<Self> {
        match value {
            Value::Number(number) => Self::spelled(&number.to_string()),
            Value::String(text) => Self::spelled(text),
            _ => None,
        }
    }

    /// `-?digits[.digits][e[±]digits]`
    pub fn spelled(text: &str) -> Option<Self> {
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, "0"));
        let exponent = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        if !digits(whole.strip_prefix('-').unwrap_or(whole)) || !digits(fraction) || !digits(exponent) {
            return None;
        }
        if let Ok(whole) = text.parse::<i64>() {
            return Some(Self::Whole(i128::from(whole)));
        }
        text.parse::<f64>().ok().filter(|real| real.is_finite()).map(Self::Real)
    }

    pub fn compare(self, other: Self) -> std::cmp::Ordering {
        let whole_of = |real: f64| (real.fract() == 0.0 && real.abs() < 1e30).then_some(real as i128);
        match (self, other) {
            (Self::Whole(one), Self::Whole(other)) => one.cmp(&other),
            (Self::Real(one), Self::Real(other)) => (one + 0.0).total_cmp(&(other + 0.0)),
            (Self::Whole(one), Self::Real(other)) => match whole_of(other) {
                Some(other) => one.cmp(&other),
                None => (one as f64).total_cmp(&other),
            },
            (Self::Real(_), Self::Whole(_)) => other.compare(self).reverse(),
        }
    }
}
