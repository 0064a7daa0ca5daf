//! Counts beside the events: by time and by value, split and merged in any way, bounded whatever comes.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::collections::BTreeMap;

use common::{block, coded};
use proptest::collection::vec;
use proptest::prelude::*;
use trawl_event::{Block, RowSet, Timestamp};
use trawl_query::summary::facet::{FacetSpec, MAX_VALUE_BYTES};
use trawl_query::summary::histogram::{HistogramSpec, NO_VALUE, OTHER_VALUES, WIDTHS_MS};
use trawl_query::{Cell, Summary, SummarySpec};

fn spec(first_ms: i64, last_ms: i64, most: usize) -> SummarySpec {
    let range = (Timestamp(first_ms * 1_000_000), Timestamp(last_ms * 1_000_000));
    let histogram = HistogramSpec::for_range(range.0, range.1, most, Some("level".into()));
    SummarySpec { histogram: Some(histogram), facets: vec![FacetSpec::of("service"), FacetSpec::of("code")] }
}

fn event(ms: i64, level: &str, service: &str) -> String {
    format!(r#"{{"timestamp":{},"level":{level},"service":"{service}"}}"#, 1_700_000_000_000 + ms)
}

/// Through the columns of the projection alone.
fn add(summary: &mut Summary, spec: &SummarySpec, block: &Block) {
    let mut projected = block.clone();
    let projection = spec.projection();
    projected.columns.retain(|column| projection.wants(&column.path.name(), column.values.kind()));
    summary.add(spec, &projected, &RowSet::all(block.rows()));
}

fn summary(spec: &SummarySpec, events: &[String]) -> Summary {
    let mut summary = Summary::new(spec);
    add(&mut summary, spec, &block(events));
    summary
}

#[test]
fn levels_are_counted_by_rank_and_values_by_frequency() {
    let events = [
        event(0, "\"ERR\"", "a"),
        event(1, "\"error\"", "b"),
        event(2, "3", "b"),
        event(70_000, "\"loud\"", "b"),
        r#"{"timestamp":1700000070001,"code":500}"#.into(),
    ];
    let spec = spec(1_700_000_000_000, 1_700_000_070_001, 10);
    let summary = summary(&spec, &events);
    let histogram = summary.histogram.unwrap();
    assert_eq!((summary.events, histogram.interval_ms()), (5, 10_000));
    let found: Vec<_> = histogram.finish(10).into_iter().map(|(start, bucket)| (start.0 / 1_000_000, bucket)).collect();
    assert_eq!(found.len(), 2);
    assert_eq!((found[0].0, found[0].1.count), (1_700_000_000_000, 3));
    assert_eq!(found[0].1.by, BTreeMap::from([("error".into(), 3)]));
    assert_eq!((found[1].0, found[1].1.count), (1_700_000_070_000, 2));
    assert_eq!(found[1].1.by, BTreeMap::from([("loud".into(), 1), (NO_VALUE.into(), 1)]));
    let text = |text: &str| Cell::Text(text.into());
    assert_eq!(summary.facets[0].top(5), [(text("b"), 3), (text("a"), 1)]);
    assert_eq!((summary.facets[0].events_with, summary.facets[0].distinct()), (4, 2));
    assert_eq!(summary.facets[1].top(5), [(Cell::integer(500), 1)]);
}

#[test]
fn events_outside_the_expected_range_widen_the_buckets() {
    let spec = spec(1_700_000_000_000, 1_700_000_000_100, 50);
    assert_eq!(WIDTHS_MS[spec.histogram.as_ref().unwrap().width], 5);
    let mut early = summary(&spec, &[event(0, "1", "a"), event(3, "1", "a"), event(100, "1", "a")]);
    assert_eq!(early.histogram.as_ref().unwrap().finish(9).len(), 2);
    early.merge(summary(&spec, &[event(86_400_000 * 20, "1", "a")]));
    let histogram = early.histogram.unwrap();
    assert_eq!(histogram.interval_ms(), 43_200_000);
    let counts: Vec<u64> = histogram.finish(9).into_iter().map(|(_, bucket)| bucket.count).collect();
    assert_eq!(counts, [3, 1]);
}

#[test]
fn a_prefix_chooses_values_whatever_their_case() {
    let spec = SummarySpec {
        histogram: None,
        facets: vec![FacetSpec { field: "service".into(), prefix: Some("CHE".into()) }],
    };
    let events = ["checkout", "Cherry", "catalog"].map(|service| event(0, "1", service));
    let summary = summary(&spec, &events);
    assert_eq!(summary.facets[0].distinct(), 2);
    assert_eq!(summary.facets[0].events_with, 3);
}

#[test]
fn a_field_with_too_many_values_keeps_the_frequent_ones_and_says_so() {
    let spec = SummarySpec { histogram: None, facets: vec![FacetSpec::of("service")] };
    let mut whole = Summary::new(&spec);
    for part in 0..5 {
        let mut events: Vec<String> = (0..5000).map(|n| event(0, "1", &format!("rare-{part}-{n}"))).collect();
        events.extend((0..100).map(|_| event(0, "1", "frequent")));
        whole.merge(summary(&spec, &events));
    }
    let facet = &whole.facets[0];
    assert_eq!(facet.top(1), [(Cell::Text("frequent".into()), 500)]);
    assert!(facet.is_approximate && facet.distinct() <= 10_000, "{}", facet.distinct());
    assert_eq!((facet.events_with, whole.events), (25_500, 25_500));
    let long = "x".repeat(MAX_VALUE_BYTES + 1);
    let summary = summary(&spec, &[event(0, "1", &long)]);
    assert!(summary.facets[0].is_approximate);
    assert_eq!((summary.facets[0].distinct(), summary.facets[0].events_with), (0, 1));
}

#[test]
fn groups_beyond_those_shown_are_added_up() {
    let range = (Timestamp(1_700_000_000_000_000_000), Timestamp(1_700_000_000_900_000_000));
    let histogram = HistogramSpec::for_range(range.0, range.1, 10, Some("service".into()));
    let spec = SummarySpec { histogram: Some(histogram), facets: Vec::new() };
    let events: Vec<String> = (0..300).flat_map(|n| vec![event(0, "1", &format!("s{n:03}")); 1 + n / 299]).collect();
    let buckets = summary(&spec, &events).histogram.unwrap().finish(3);
    let by = &buckets[0].1.by;
    assert_eq!((by.len(), by["s299"]), (4, 2));
    assert_eq!(by.values().sum::<u64>(), 301);
    assert_eq!(by[OTHER_VALUES], 301 - 2 - 1 - 1);
}

proptest! {
    /// However events are split, and in whatever order the parts are merged and sent, the counts are the same, and
    /// those of a count by hand.
    #[test]
    fn splitting_changes_nothing(
        events in vec((0i64..5_000_000, 0u8..8, 0u8..5), 1..60),
        cuts in vec(any::<prop::sample::Index>(), 0..4),
        most in 1usize..40,
    ) {
        let spec = spec(1_700_000_000_000, 1_700_000_001_000, most);
        let lines: Vec<String> = events.iter().map(|(ms, level, service)| event(*ms, &level.to_string(), &format!("s{service}"))).collect();
        let whole = summary(&spec, &lines);
        let mut ends: Vec<usize> = cuts.iter().map(|cut| cut.index(lines.len())).chain([0, lines.len()]).collect();
        ends.sort_unstable();
        let mut merged = Summary::new(&spec);
        for part in ends.windows(2).rev().filter(|part| part[0] < part[1]) {
            let mut part_summary = Summary::new(&spec);
            add(&mut part_summary, &spec, &coded(&block(&lines[part[0]..part[1]])));
            let sent = serde_json::to_string(&part_summary).unwrap();
            merged.merge(serde_json::from_str(&sent).unwrap());
        }
        prop_assert_eq!(&merged, &whole);
        let histogram = whole.histogram.unwrap();
        let width = histogram.interval_ms();
        let mut by_hand: BTreeMap<i64, u64> = BTreeMap::new();
        for (ms, ..) in &events {
            let at = 1_700_000_000_000 + ms;
            *by_hand.entry(at - at.rem_euclid(width)).or_default() += 1;
        }
        let found: BTreeMap<i64, u64> = histogram.finish(10).into_iter().map(|(start, bucket)| (start.0 / 1_000_000, bucket.count)).collect();
        prop_assert_eq!(found, by_hand);
        for (service, count) in whole.facets[0].top(10) {
            let by_hand = events.iter().filter(|(.., s)| Cell::Text(format!("s{s}")) == service).count();
            prop_assert_eq!(count, by_hand as u64);
        }
    }
}
