//! Whatever JSON object is sent comes back equal, key order aside: from the tail, from a segment, and
//! from a compacted segment.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::collections::BTreeMap;

use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use trawl_event::{TenantId, Timestamp};
use trawl_faults::calm::{self, Calm};
use trawl_faults::json::Json;
use trawl_faults::stages::Setup;

fn quoted(text: &str) -> String {
    serde_json::to_string(text).unwrap()
}

fn numbers() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<i64>().prop_map(|number| number.to_string()),
        any::<u64>().prop_map(|number| number.to_string()),
        any::<f64>().prop_filter("finite", |number| number.is_finite()).prop_map(|number| format!("{number:?}")),
        prop::sample::select(vec!["-0", "-0.0", "1.00", "1E+5", "1e400", "0.1"]).prop_map(str::to_owned),
        "[1-9][0-9]{0,40}",
        "-?[1-9][0-9]{0,4}\\.[0-9]{1,30}",
    ]
}

fn texts() -> impl Strategy<Value = String> {
    prop_oneof!["[a-c]{0,3}", "\\PC{0,12}", any::<String>()]
}

fn keys() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[a-d]{1,2}",
        2 => "[a-c]\\.[a-c]",
        2 => prop::sample::select(vec![
            "message", "msg", "level", "severity", "service", "service.name", "trace_id", "_rest", "_envelope", "",
        ]).prop_map(str::to_owned),
        1 => any::<String>(),
    ]
}

fn object(fields: &BTreeMap<String, String>) -> String {
    let fields: Vec<String> = fields.iter().map(|(key, value)| format!("{}:{value}", quoted(key))).collect();
    format!("{{{}}}", fields.join(","))
}

/// JSON text of a value of any type.
fn values() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("null".to_owned()),
        any::<bool>().prop_map(|value| value.to_string()),
        numbers(),
        texts().prop_map(|text| quoted(&text)),
    ];
    leaf.prop_recursive(4, 24, 5, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..5).prop_map(|items| format!("[{}]", items.join(","))),
            btree_map(keys(), inner, 0..5).prop_map(|fields| object(&fields)),
        ]
    })
}

/// Times of the past, as events spell them.
fn times() -> impl Strategy<Value = String> {
    prop_oneof![
        (0i64..1_700_000_000_000_000_000).prop_map(|ns| quoted(&Timestamp(ns).to_string())),
        // A few days, so that segments hold several events.
        (0i64..250_000).prop_map(|seconds| quoted(&Timestamp(seconds * 1_000_000_000).to_string())),
        Just(quoted("2016-12-20 00:04:03.10+05:30")),
        (0i64..1_700_000_000).prop_map(|seconds| seconds.to_string()),
        (0i64..1_700_000_000_000).prop_map(|millis| format!("{}.{:03}", millis / 1000, millis % 1000)),
    ]
}

fn events() -> impl Strategy<Value = String> {
    let name = prop::sample::select(vec!["timestamp", "@timestamp", "time", "ts"]);
    (name, times(), btree_map(keys(), values(), 0..8)).prop_map(|(name, time, mut fields)| {
        fields.retain(|key, _| !["timestamp", "@timestamp", "time", "ts"].contains(&&**key));
        fields.insert(name.to_owned(), time);
        object(&fields)
    })
}

fn sorted(events: &[String]) -> Vec<Json> {
    let mut parsed: Vec<Json> = events.iter().map(|event| Json::parse(event).unwrap()).collect();
    parsed.sort();
    parsed
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn events_come_back_equal_from_tail_segment_and_compaction(
        requests in vec(vec(events(), 1..8), 1..5),
        columns_max in prop::sample::select(vec![2usize, 1000]),
        row_group_rows in 1usize..6,
    ) {
        let setup = Setup { shards: 1, columns_max, row_group_rows, ..Setup::default() };
        calm::run(setup, move |calm: Calm| async move {
            let tenant = TenantId::default_tenant();
            for (number, events) in requests.iter().enumerate() {
                let accepted = calm.push(&tenant, Some(&format!("key-{number}")), events.join("\n")).await;
                assert_eq!(accepted, events.len() as u64);
                // The first half is persisted run by run, so that there is something to compact.
                if number % 2 == 0 {
                    assert_eq!(sorted(&calm.all(&tenant).await), sorted(&requests[..=number].concat()), "from the tail");
                    calm.persist().await;
                }
            }
            let expected = sorted(&requests.concat());
            calm.persist().await;
            assert_eq!(sorted(&calm.all(&tenant).await), expected, "from segments");
            calm.compact().await;
            assert_eq!(sorted(&calm.all(&tenant).await), expected, "from compacted segments");
            assert_eq!(calm.count(&tenant).await, expected.len() as u64);
        });
    }
}
