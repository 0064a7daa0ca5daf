//! Whatever JSON object goes in comes out equal: names, types, nesting, the spelling of
//! numbers and of the timestamp, nulls and empty objects.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::collections::BTreeMap;

use bytes::Bytes;
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use serde_json::value::RawValue;
use trawl_event::batch;
use trawl_event::block::Projection;
use trawl_event::restore::Restorer;
use trawl_event::shred::{Shredder, TimeRule};
use trawl_event::{BatchId, Block, TenantId, Timestamp};

const RULE: TimeRule =
    TimeRule { received: Timestamp(1_700_000_000_000_000_000), oldest: Timestamp::MIN, latest: Timestamp::MAX };

fn numbers() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<i64>().prop_map(|number| number.to_string()),
        any::<u64>().prop_map(|number| number.to_string()),
        any::<f64>().prop_filter("finite", |number| number.is_finite()).prop_map(|number| format!("{number:?}")),
        Just("-0".to_owned()),
        Just("-0.0".to_owned()),
        Just("1.00".to_owned()),
        Just("1E+5".to_owned()),
        Just("1e400".to_owned()),
        "[1-9][0-9]{0,40}",
        "-?[1-9][0-9]{0,4}\\.[0-9]{1,30}",
    ]
}

fn quoted(text: &str) -> String {
    serde_json::to_string(text).unwrap()
}

fn texts() -> impl Strategy<Value = String> {
    prop_oneof!["[a-c]{0,3}", "\\PC{0,12}", any::<String>(), Just("\u{0}\u{1f}\"\\/\u{7f}\u{2028}".to_owned())]
}

fn keys() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[a-d]{1,2}",
        2 => "[a-c]\\.[a-c]",
        2 => prop::sample::select(vec![
            "message", "msg", "log", "body", "level", "severity", "lvl", "log.level", "service", "service.name",
            "name", "trace_id", "_rest", "_envelope", "", ".",
        ]).prop_map(str::to_owned),
        1 => any::<String>(),
    ]
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
            vec(inner.clone(), 0..5).prop_map(|items| format!("[{}]", items.join(" , "))),
            btree_map(keys(), inner, 0..5).prop_map(|fields| object(&fields)),
        ]
    })
}

fn object(fields: &BTreeMap<String, String>) -> String {
    let fields: Vec<_> = fields.iter().map(|(key, value)| format!("{}: {value}", quoted(key))).collect();
    format!("{{{}}}", fields.join(","))
}

fn timestamps() -> impl Strategy<Value = (String, String)> {
    let name = prop::sample::select(vec!["timestamp", "@timestamp", "time", "ts"]).prop_map(str::to_owned);
    let time = prop_oneof![
        (-9_000_000_000_000_000_000i64..9_000_000_000_000_000_000).prop_map(|ns| quoted(&Timestamp(ns).to_string())),
        Just(quoted("2016-12-20 00:04:03.10+05:30")),
        Just(quoted("2016-12-20T00:04:03.123456789012Z")),
        (0i64..4_000_000_000).prop_map(|seconds| seconds.to_string()),
        (0i64..4_000_000_000_000).prop_map(|millis| format!("{}.{:03}", millis / 1000, millis % 1000)),
        (1_000_000_000_000i64..4_000_000_000_000).prop_map(|millis| quoted(&millis.to_string())),
        Just("1.7e9".to_owned()),
    ];
    (name, time)
}

fn events() -> impl Strategy<Value = String> {
    (timestamps(), btree_map(keys(), values(), 0..8)).prop_map(|((name, time), mut fields)| {
        for taken in ["timestamp", "@timestamp", "time", "ts"] {
            fields.remove(taken);
        }
        fields.insert(name, time);
        object(&fields)
    })
}

fn shred(events: &[String]) -> Block {
    let mut shredder = Shredder::default();
    for event in events {
        shredder.push(event.as_bytes(), &RULE).unwrap_or_else(|error| panic!("{error}: {event}"));
    }
    shredder.finish()
}

fn assert_restores(block: &Block, events: &[String]) {
    let mut restorer = Restorer::new(block);
    for (row, event) in events.iter().enumerate() {
        let mut json = String::new();
        restorer.push(row, &mut json);
        assert_eq!(Exact::parse(&json), Exact::parse(event), "row {row}: {json}");
    }
}

/// A JSON value with numbers as they are spelled: a value of `serde_json` keeps that only with a feature that
/// would change how every crate of the workspace reads numbers.
#[derive(Debug, PartialEq)]
enum Exact {
    Scalar(String),
    Text(String),
    Array(Vec<Exact>),
    Object(BTreeMap<String, Exact>),
}

impl Exact {
    fn parse(json: &str) -> Self {
        let parse = |value: &RawValue| Self::parse(value.get());
        match json.as_bytes().first() {
            Some(b'{') => {
                let fields: BTreeMap<String, &RawValue> = read(json);
                Self::Object(fields.into_iter().map(|(key, value)| (key, parse(value))).collect())
            }
            Some(b'[') => Self::Array(read::<Vec<&RawValue>>(json).into_iter().map(parse).collect()),
            Some(b'"') => Self::Text(read(json)),
            _ => Self::Scalar(json.to_owned()),
        }
    }
}

fn read<'j, T: serde::Deserialize<'j>>(json: &'j str) -> T {
    serde_json::from_str(json).unwrap_or_else(|error| panic!("{error}: {json}"))
}

proptest! {
    #[test]
    fn events_come_back_equal(events in vec(events(), 1..12)) {
        assert_restores(&shred(&events), &events);
    }

    #[test]
    fn events_come_back_equal_through_a_batch(events in vec(events(), 1..12)) {
        let block = shred(&events);
        let mut record = Vec::new();
        let tenant: TenantId = "t1".parse().unwrap();
        for id in 0..2 {
            batch::encode(&tenant, BatchId(id), RULE.received, &block, &mut record);
        }
        let (batches, error) = batch::read_all(&Bytes::from(record));
        prop_assert_eq!(error, None);
        prop_assert_eq!(batches.len(), 2);
        let read = batches[1].block(&Projection::All).unwrap();
        prop_assert_eq!(&read, &block);
        assert_restores(&read, &events);
    }

    #[test]
    fn a_damaged_batch_is_an_error_or_the_same(events in vec(events(), 1..4), at in any::<prop::sample::Index>(), bit in 0u8..8) {
        let block = shred(&events);
        let mut record = Vec::new();
        batch::encode(&TenantId::default_tenant(), BatchId(7), RULE.received, &block, &mut record);
        let at = at.index(record.len());
        record[at] ^= 1 << bit;
        let (batches, _) = batch::read_all(&Bytes::from(record));
        for batch in batches {
            if let Ok(read) = batch.block(&Projection::All) {
                prop_assert_eq!(read, block.clone());
            }
        }
    }

    #[test]
    fn a_refused_event_leaves_no_trace(good in events(), bad in "\\PC{0,40}") {
        let mut alone = Shredder::default();
        alone.push(good.as_bytes(), &RULE).unwrap();
        alone.push(good.as_bytes(), &RULE).unwrap();
        let mut beside = Shredder::default();
        beside.push(good.as_bytes(), &RULE).unwrap();
        let cut = good.len() / 2;
        if good.is_char_boundary(cut) {
            let broken = [&good[..cut], &bad, "\u{1}"].concat();
            prop_assert!(beside.push(broken.as_bytes(), &RULE).is_err());
        }
        beside.push(good.as_bytes(), &RULE).unwrap();
        let events = [good.clone(), good];
        assert_restores(&alone.finish(), &events);
        assert_restores(&beside.finish(), &events);
    }
}

#[test]
fn the_last_of_equal_keys_counts() {
    let block = shred(&[r#"{"a":1,"b":{"c":1,"d":2,"c":[3]},"a":"x","timestamp":5}"#.to_owned()]);
    assert_restores(&block, &[r#"{"a":"x","b":{"c":[3],"d":2},"timestamp":5}"#.to_owned()]);
}

#[test]
fn an_event_without_a_time_gets_the_time_of_receipt() {
    let block = shred(&[r#"{"message":"hello"}"#.to_owned(), r#"{"timestamp":{"a":1}}"#.to_owned()]);
    assert_eq!(block.timestamps, [RULE.received.0; 2]);
    let expected = [
        r#"{"timestamp":"2023-11-14T22:13:20.000Z","message":"hello"}"#.to_owned(),
        r#"{"timestamp":{"a":1}}"#.to_owned(),
    ];
    assert_restores(&block, &expected);
}

#[test]
fn aliases_fill_the_canonical_columns() {
    let events = [
        r#"{"@timestamp":"2024-01-01T00:00:00Z","msg":"m","severity":"warn","service":{"name":"s","version":2}}"#,
        r#"{"ts":1700000000,"message":"m2","msg":"other","log.level":"info","service.name":"s2"}"#,
        r#"{"time":1700000000,"message":{"not":"text"},"log":"l","level":3}"#,
    ]
    .map(str::to_owned);
    let block = shred(&events);
    let texts = |name: &str| -> Vec<(u32, String)> {
        let (column, texts) = block.text_column(name).unwrap();
        column.rows.iter().copied().zip(texts.iter().map(str::to_owned)).collect()
    };
    assert_eq!(texts("message"), [(0, "m".into()), (1, "m2".into()), (2, "l".into())]);
    assert_eq!(texts("service"), [(0, "s".into()), (1, "s2".into())]);
    assert_eq!(texts("level"), [(0, "warn".into()), (1, "info".into())]);
    assert_restores(&block, &events);
}
