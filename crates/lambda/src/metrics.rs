//! Metrics in CloudWatch's embedded metric format: a JSON line among the logs, which CloudWatch reads as metrics.
//! Nothing waits for a request of its own.
//!
//! ```text
//! {"_aws":{"Timestamp":1764244800000,"CloudWatchMetrics":[{"Namespace":"Trawl","Dimensions":[["Function"]],
//!   "Metrics":[{"Name":"EventsAccepted","Unit":"Count"}]}]},"Function":"trawl-ingest","EventsAccepted":12}
//! ```
//! The format: <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html>.

use std::io::Write;

use serde::Serialize;
use serde_json::{Map, Value, json};
use trawl_event::Timestamp;

/// The namespace of all metrics.
pub const NAMESPACE: &str = "Trawl";
/// Their one dimension: the function's name, which tells deployments apart as well.
pub const DIMENSION: &str = "Function";
/// Most metrics of one line, by the specification.
pub const MAX_METRICS: usize = 100;

/// A unit of CloudWatch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Unit {
    /// A number of things.
    Count,
    /// A size.
    Bytes,
    /// A duration.
    Milliseconds,
    /// A number without a unit of CloudWatch's: US dollars.
    None,
}

/// One value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Metric {
    name: &'static str,
    unit: Unit,
    value: f64,
}

impl Metric {
    /// A number of things.
    pub fn count(name: &'static str, value: u64) -> Self {
        Self { name, unit: Unit::Count, value: value as f64 }
    }

    /// A size in bytes.
    pub fn bytes(name: &'static str, value: u64) -> Self {
        Self { name, unit: Unit::Bytes, value: value as f64 }
    }

    /// A duration in milliseconds.
    pub fn ms(name: &'static str, value: u64) -> Self {
        Self { name, unit: Unit::Milliseconds, value: value as f64 }
    }

    /// An amount of US dollars.
    pub fn usd(name: &'static str, value: f64) -> Self {
        Self { name, unit: Unit::None, value }
    }
}

/// The line that reports values of one moment, without its end.
pub fn line(function: &str, request_id: &str, now: Timestamp, metrics: &[Metric]) -> String {
    debug_assert!(metrics.len() <= MAX_METRICS);
    let definitions: Vec<Value> =
        metrics.iter().map(|metric| json!({"Name": metric.name, "Unit": metric.unit})).collect();
    let mut root = Map::new();
    let directive = json!({"Namespace": NAMESPACE, "Dimensions": [[DIMENSION]], "Metrics": definitions});
    root.insert("_aws".to_owned(), json!({"Timestamp": now.millis(), "CloudWatchMetrics": [directive]}));
    root.insert(DIMENSION.to_owned(), json!(function));
    root.insert("request_id".to_owned(), json!(request_id));
    for metric in metrics {
        let whole = metric.value.fract() == 0.0 && metric.value < 9e15;
        let value = if whole { json!(metric.value as u64) } else { json!(metric.value) };
        root.insert(metric.name.to_owned(), value);
    }
    Value::Object(root).to_string()
}

/// Writes a line to stdout, which Lambda hands to CloudWatch Logs.
pub fn emit(function: &str, request_id: &str, now: Timestamp, metrics: &[Metric]) {
    if metrics.is_empty() {
        return;
    }
    let mut line = line(function, request_id, now, metrics);
    line.push('\n');
    // A closed stdout is nothing that a function could do anything about.
    let _ = std::io::stdout().lock().write_all(line.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The rules of the specification that a line can break.
    fn check(line: &str) -> Value {
        let root: Value = serde_json::from_str(line).unwrap();
        assert!(!line.contains('\n'));
        assert!(root["_aws"]["Timestamp"].is_u64());
        let directives = root["_aws"]["CloudWatchMetrics"].as_array().unwrap();
        for directive in directives {
            assert!((1..=255).contains(&directive["Namespace"].as_str().unwrap().len()));
            for set in directive["Dimensions"].as_array().unwrap() {
                assert!(set.as_array().unwrap().len() <= 30);
                for key in set.as_array().unwrap() {
                    let value = root[key.as_str().unwrap()].as_str().unwrap();
                    assert!((1..=1024).contains(&value.len()));
                }
            }
            let metrics = directive["Metrics"].as_array().unwrap();
            assert!((1..=MAX_METRICS).contains(&metrics.len()));
            for metric in metrics {
                assert!(root[metric["Name"].as_str().unwrap()].is_number());
                assert!(["Count", "Bytes", "Milliseconds", "None"].contains(&metric["Unit"].as_str().unwrap()));
            }
        }
        root
    }

    #[test]
    fn a_line_is_valid_embedded_metric_format() {
        let metrics = [
            Metric::count("EventsAccepted", 12),
            Metric::bytes("BytesReceived", 3_400),
            Metric::ms("IteratorAgeMs", 250),
            Metric::usd("SearchCostUsd", 0.000_012_5),
        ];
        let root = check(&line("trawl-ingest", "request", Timestamp(1_764_244_800_123_456_789), &metrics));
        assert_eq!(root["_aws"]["Timestamp"], 1_764_244_800_123_u64);
        assert_eq!(root["Function"], "trawl-ingest");
        assert_eq!(root["EventsAccepted"], 12);
        assert_eq!(root["SearchCostUsd"], 0.000_012_5);
        assert_eq!(
            root["_aws"]["CloudWatchMetrics"][0]["Metrics"][2],
            json!({"Name": "IteratorAgeMs", "Unit": "Milliseconds"})
        );
    }
}
