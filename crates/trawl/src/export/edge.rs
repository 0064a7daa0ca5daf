//! Where a result that outlasts its search is taken up by another.
//!
//! The next search has the range of time from the last event on, that moment included. What it finds of that moment
//! and was written already is left out: it is known by its fields, and counted, so that equal events are each there.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use trawl_client::{Order, SearchRequest};
use trawl_event::Timestamp;

use crate::output::event::{fingerprint, timestamp};

/// The last moment of what was written.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Edge {
    /// In nanoseconds since 1970.
    time_ns: Option<i64>,
    /// The events of that moment, by fingerprint, and how many of each.
    written: BTreeMap<String, u32>,
    /// Whether a search is to begin there; before, `written` only grows.
    is_begun: bool,
    /// Where that search begins.
    begins_ns: Option<i64>,
    /// Of the events of that moment, those that it may give once more.
    again: BTreeMap<String, u32>,
}

impl Edge {
    /// Whether another search can go on: the last event has a time.
    pub fn is_known(&self) -> bool {
        self.time_ns.is_some()
    }

    /// Takes note of events that are written, in the order of the search.
    pub fn reach(&mut self, events: &[Box<RawValue>]) {
        let Some(last) = events.last() else { return };
        let time_ns = timestamp(last).map(|time| time.0);
        if time_ns != self.time_ns || time_ns.is_none() {
            self.written.clear();
        }
        self.time_ns = time_ns;
        if time_ns.is_none() {
            return;
        }
        for event in events.iter().rev().take_while(|event| timestamp(event).map(|time| time.0) == time_ns) {
            *self.written.entry(name(event)).or_default() += 1;
        }
    }

    /// Lets the next search begin here.
    pub fn begin(&mut self) {
        self.is_begun = true;
        self.begins_ns = self.time_ns;
        self.again = self.written.clone();
    }

    /// The request for what is left of `request`.
    pub fn narrow(&self, request: &SearchRequest) -> SearchRequest {
        let mut request = request.clone();
        if let Some(time_ns) = self.begins_ns.filter(|_| self.is_begun) {
            match request.order {
                // The end of a range is not part of it.
                Order::Desc => request.to = Some(Timestamp(time_ns).plus_ns(1).to_string()),
                Order::Asc => request.from = Some(Timestamp(time_ns).to_string()),
            }
        }
        request
    }

    /// Takes those out that are written already.
    pub fn leave_out(&mut self, events: &mut Vec<Box<RawValue>>) {
        if self.again.is_empty() {
            return;
        }
        let (begins_ns, again) = (self.begins_ns, &mut self.again);
        events.retain(|event| {
            if timestamp(event).map(|time| time.0) != begins_ns {
                return true;
            }
            match again.get_mut(&name(event)) {
                Some(left) if *left > 0 => {
                    *left -= 1;
                    false
                }
                _ => true,
            }
        });
    }
}

fn name(event: &RawValue) -> String {
    format!("{:032x}", fingerprint(event))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(second: u32, n: u32) -> Box<RawValue> {
        serde_json::from_str(&format!(r#"{{"timestamp":"2026-03-02T10:00:{second:02}Z","n":{n}}}"#)).unwrap()
    }

    fn events(list: &[(u32, u32)]) -> Vec<Box<RawValue>> {
        list.iter().map(|(second, n)| event(*second, *n)).collect()
    }

    #[test]
    fn the_next_search_gives_what_was_not_written() {
        let mut edge = Edge::default();
        edge.reach(&events(&[(9, 1), (5, 2), (5, 3)]));
        edge.reach(&events(&[(5, 3), (5, 4)]));
        edge.reach(&[]);
        edge.begin();
        let request = edge.narrow(&SearchRequest { from: Some("-1h".into()), ..SearchRequest::default() });
        assert_eq!(request.to.as_deref(), Some("2026-03-02T10:00:05.000000001Z"));
        assert_eq!(request.from.as_deref(), Some("-1h"));

        // A page of the next search: three of the moment are known, once more the third and a new one are not.
        let mut page = events(&[(5, 2), (5, 3), (5, 3), (5, 3), (5, 5)]);
        edge.leave_out(&mut page);
        assert_eq!(
            page.iter().map(|event| event.get().to_owned()).collect::<Vec<_>>(),
            [event(5, 3).get(), event(5, 5).get()]
        );
        edge.reach(&page);
        let mut page = events(&[(5, 4), (4, 4)]);
        edge.leave_out(&mut page);
        assert_eq!(page.len(), 1);
        // What was written at the edge counts all together, should it have to begin there again.
        edge.begin();
        let mut page = events(&[(5, 2), (5, 3), (5, 3), (5, 3), (5, 4), (5, 5), (4, 4)]);
        edge.leave_out(&mut page);
        assert_eq!(page.len(), 1);
    }

    #[test]
    fn oldest_first_moves_the_start() {
        let mut edge = Edge::default();
        edge.reach(&events(&[(5, 1)]));
        let request = SearchRequest { order: Order::Asc, to: Some("now".into()), ..SearchRequest::default() };
        assert_eq!(edge.narrow(&request), request);
        edge.begin();
        let narrowed = edge.narrow(&request);
        assert_eq!((narrowed.from.as_deref(), narrowed.to.as_deref()), (Some("2026-03-02T10:00:05.000Z"), Some("now")));
    }

    #[test]
    fn events_without_a_time_have_no_edge() {
        let mut edge = Edge::default();
        edge.reach(&[serde_json::from_str(r#"{"n":1}"#).unwrap()]);
        assert!(!edge.is_known());
    }
}
