//! The standard queries, with terms that occur in the data.

use std::collections::HashMap;

use serde_json::Value;

use super::figures::Growth;

/// The shortest word that counts as an id.
const ID_CHARS: usize = 16;
/// Longer ids are left alone.
const MOST_ID_CHARS: usize = 40;
/// Characters that a substring leaves out at each end of the id it is cut from, and how many it has at most.
const CUT_CHARS: usize = 4;
const MOST_SUBSTRING_CHARS: usize = 16;
/// Characters of the id with which the regex begins.
const LITERAL_CHARS: usize = 8;
/// The shortest word that counts as a word of the language.
const WORD_CHARS: usize = 4;

/// An id for data that holds none, backwards.
const ABSENT_ID: &str = "1349eldeentnesbazq";

/// A query to run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Case {
    /// The name of its class.
    pub name: String,
    /// The query.
    pub query: String,
    /// The class that looks for something like it which occurs nowhere.
    pub absent: Option<&'static str>,
}

impl Case {
    /// A query of the caller's, named as it reads.
    pub fn of(query: &str) -> Self {
        Self { name: query.to_owned(), query: query.to_owned(), absent: None }
    }

    /// How the work of this query grows, from whether it met its limit.
    pub fn growth(&self, met_limit: bool) -> Growth {
        match self.absent {
            _ if met_limit => Growth::Constant,
            Some(absent) => Growth::LikeAbsent(absent.to_owned()),
            None => Growth::WithData,
        }
    }
}

/// One query of each class, with terms from these events. A class for which the events have no term is left out.
pub fn standard(events: &[Value]) -> Vec<Case> {
    let words = Words::of(events);
    let case = |name: &str, query: String| Some(Case { name: name.to_owned(), query, absent: None });
    let selective =
        |name: &str, query: String, absent| Some(Case { name: name.to_owned(), query, absent: Some(absent) });
    let id = words.id();
    let with_id = |name, query: fn(&str) -> String, absent| id.and_then(|id| selective(name, query(id), absent));
    // Backwards it has the same letters and is just as long, but no event has it.
    let absent_id: String = id.unwrap_or(ABSENT_ID).chars().rev().collect();
    let frequent = words.frequent();
    let cases = [
        case("word, absent", absent_id.clone()),
        case("substring, absent", substring(&absent_id)),
        case("regex with literal, absent", regex(&absent_id)),
        with_id("word, rare", str::to_owned, "word, absent"),
        with_id("substring, rare", substring, "substring, absent"),
        with_id("regex with literal, rare", regex, "regex with literal, absent"),
        frequent.and_then(|word| case("word, frequent", word.to_owned())),
        field_value(events).and_then(|query| case("field = value", query)),
        case("regex without literal", r"/\d{3}[a-f]{3}\d{2}[a-f]/ | stats count()".to_owned()),
        case("timechart", "* | timechart 1h by level".to_owned()),
        frequent.and_then(|word| case("top", format!("{word} | top 10 service"))),
    ];
    cases.into_iter().flatten().collect()
}

/// The words of some events, and in how many events each is.
struct Words(HashMap<String, usize>);

impl Words {
    fn of(events: &[Value]) -> Self {
        let mut counts: HashMap<String, usize> = HashMap::new();
        for event in events {
            let mut words = Vec::new();
            texts(event, &mut |text| {
                let found = text.split(|character: char| !character.is_alphanumeric() && character != '_');
                words.extend(found.filter(|word| !word.is_empty()).map(str::to_owned));
            });
            words.sort_unstable();
            words.dedup();
            for word in words {
                *counts.entry(word).or_default() += 1;
            }
        }
        Self(counts)
    }

    /// The longest word that looks like an id and is in one event only.
    fn id(&self) -> Option<&str> {
        let is_id = |word: &str| {
            (ID_CHARS..=MOST_ID_CHARS).contains(&word.len())
                && word.is_ascii()
                && word.bytes().any(|byte| byte.is_ascii_digit())
        };
        let ids = self.0.iter().filter(|(word, events)| **events == 1 && is_id(word));
        ids.map(|(word, _)| word.as_str()).max_by_key(|word| (word.len(), std::cmp::Reverse(*word)))
    }

    /// The word of letters that is in most events.
    fn frequent(&self) -> Option<&str> {
        let is_word = |word: &str| word.len() >= WORD_CHARS && word.bytes().all(|byte| byte.is_ascii_alphabetic());
        let words = self.0.iter().filter(|(word, _)| is_word(word));
        words.max_by_key(|(word, events)| (**events, std::cmp::Reverse(*word))).map(|(word, _)| word.as_str())
    }
}

/// Every string value of an event, its time aside.
fn texts(value: &Value, each: &mut dyn FnMut(&str)) {
    match value {
        Value::String(text) => each(text),
        Value::Array(elements) => elements.iter().for_each(|element| texts(element, each)),
        Value::Object(members) => {
            members.iter().filter(|(name, _)| *name != "timestamp").for_each(|(_, member)| texts(member, each));
        }
        _ => {}
    }
}

/// A query for the middle of an id.
fn substring(id: &str) -> String {
    let cut = id.get(CUT_CHARS..id.len().saturating_sub(CUT_CHARS)).unwrap_or(id);
    format!("*{}*", cut.get(..MOST_SUBSTRING_CHARS).unwrap_or(cut))
}

/// A query for the beginning of an id and some more.
fn regex(id: &str) -> String {
    format!(r"/{}\w{{4,}}/", id.get(..LITERAL_CHARS).unwrap_or(id))
}

/// The most frequent value of `service`, or else of another field, as a query for exactly it.
fn field_value(events: &[Value]) -> Option<String> {
    let mut counts: HashMap<(bool, &str, &str), usize> = HashMap::new();
    for member in events.iter().filter_map(Value::as_object).flatten() {
        if let (name, Value::String(value)) = member
            && !matches!(name.as_str(), "timestamp" | "message")
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        {
            *counts.entry((name == "service", name, value)).or_default() += 1;
        }
    }
    let best = counts
        .into_iter()
        .max_by_key(|((is_service, name, value), events)| (*is_service, *events, std::cmp::Reverse((*name, *value))));
    best.map(|((_, name, value), _)| {
        let escaped = value.replace('\\', "\\\\").replace('"', "\\\"");
        format!("{name}:=\"{escaped}\"")
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use trawl_query::Query;

    use super::*;

    fn events() -> Vec<Value> {
        vec![
            json!({"timestamp": "2026-03-02T10:00:00Z", "service": "web \"1\"", "message": "request failed", "trace_id": "0af7651916cd43dd8448eb211c80319c"}),
            json!({"timestamp": "2026-03-02T10:00:01Z", "service": "web \"1\"", "message": "request done", "n": 1}),
            json!({"timestamp": "2026-03-02T10:00:02Z", "service": "auth", "message": "bye", "deep": [{"id": "abcdef0123456789"}]}),
        ]
    }

    fn query<'c>(cases: &'c [Case], name: &str) -> &'c str {
        cases.iter().find(|case| case.name == name).map_or("", |case| &case.query)
    }

    #[test]
    fn terms_are_taken_from_the_events() {
        let cases = standard(&events());
        assert_eq!(query(&cases, "word, rare"), "0af7651916cd43dd8448eb211c80319c");
        assert_eq!(query(&cases, "substring, rare"), "*651916cd43dd8448*");
        assert_eq!(query(&cases, "regex with literal, rare"), r"/0af76519\w{4,}/");
        assert_eq!(query(&cases, "word, absent"), "c91308c112be8448dd34dc6191567fa0");
        assert_eq!(query(&cases, "word, frequent"), "request");
        assert_eq!(query(&cases, "field = value"), r#"service:="web \"1\"""#);
        assert_eq!(query(&cases, "top"), "request | top 10 service");
    }

    #[test]
    fn every_standard_query_can_be_read_and_grows_like_one_that_is_there() {
        let cases = standard(&events());
        assert_eq!(cases.len(), 11);
        for case in &cases {
            assert!(Query::parse(&case.query).is_ok(), "{case:?}");
            let absent = case.absent.is_none_or(|absent| cases.iter().any(|other| other.name == absent));
            assert!(absent, "{case:?}");
        }
    }

    #[test]
    fn classes_without_a_term_are_left_out() {
        let cases = standard(&[json!({"timestamp": "2026-03-02T10:00:00Z", "n": 1})]);
        assert!(cases.iter().all(|case| !case.name.contains("rare") && case.name != "top"), "{cases:?}");
        assert_eq!(standard(&[]).len(), 5);
    }

    #[test]
    fn a_query_that_met_its_limit_does_not_grow() {
        let rare = Case { absent: Some("word, absent"), ..Case::of("x") };
        assert_eq!(rare.growth(true), Growth::Constant);
        assert_eq!(rare.growth(false), Growth::LikeAbsent("word, absent".to_owned()));
        assert_eq!(Case::of("x").growth(false), Growth::WithData);
    }
}
