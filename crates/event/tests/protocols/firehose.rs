use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use trawl_event::decode::BodyError;
use trawl_event::protocol::firehose::{Delivery, decode};

use crate::{events, gzip, refused, rule};

fn delivery(records: &[&[u8]]) -> Delivery {
    let records: Vec<_> = records.iter().map(|data| json!({"data": STANDARD.encode(data)})).collect();
    let body =
        json!({"requestId": "ed4acda5-034f-9f42-bba1-f29aea6d7d8f", "timestamp": 1578090901599u64, "records": records});
    decode(body.to_string().as_bytes(), None, &rule()).unwrap()
}

/// As in <https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/SubscriptionFilters.html>.
const CLOUDWATCH: &str = r#"{"owner":"111111111111","logGroup":"CloudTrail/logs","logStream":"111111111111_CloudTrail/logs_us-east-1",
"subscriptionFilters":["Destination"],"messageType":"DATA_MESSAGE","logEvents":[
{"id":"31953106606966983378809025079804211143289615424298221568","timestamp":1432826855000,"message":"{\"eventVersion\":\"1.03\"}"},
{"id":"31953106606966983378809025079804211143289615424298221569","timestamp":1432826855001,"message":"second"}]}"#;

#[test]
fn records_of_json_and_of_text_are_read() {
    let delivery = delivery(&[
        b"{\"message\":\"a\"}",
        b"{\"message\":\"b\"}\n{\"message\":\"c\"}{\"message\":\"d\"}\n",
        b"[warn] a line\nanother\n",
        b"[{\"message\":\"e\"}]",
        &gzip(b"{\"message\":\"f\"}"),
        b"",
    ]);
    assert_eq!(delivery.request_id.as_deref(), Some("ed4acda5-034f-9f42-bba1-f29aea6d7d8f"));
    let events = events(&delivery.decoded);
    let messages: Vec<_> = events.iter().map(|event| event["message"].as_str().unwrap()).collect();
    assert_eq!(messages, ["a", "b", "c", "d", "[warn] a line", "another", "e", "f"]);
}

#[test]
fn a_subscription_gives_its_events() {
    let control = r#"{"owner":"CloudwatchLogs","logGroup":"","logStream":"","subscriptionFilters":[],"messageType":"CONTROL_MESSAGE",
"logEvents":[{"id":"","timestamp":1432826855000,"message":"CWL CONTROL MESSAGE: Checking health of destination Firehose."}]}"#;
    let delivery = delivery(&[&gzip(CLOUDWATCH.as_bytes()), &gzip(control.as_bytes()), CLOUDWATCH.as_bytes()]);
    let events = events(&delivery.decoded);
    assert_eq!(events.len(), 4);
    assert_eq!(
        events[0],
        json!({
            "timestamp": 1_432_826_855_000u64, "message": "{\"eventVersion\":\"1.03\"}",
            "id": "31953106606966983378809025079804211143289615424298221568",
            "owner": "111111111111", "logGroup": "CloudTrail/logs", "logStream": "111111111111_CloudTrail/logs_us-east-1",
            "subscriptionFilters": ["Destination"],
        })
    );
    assert!(delivery.decoded.all_timestamped);
}

#[test]
fn common_attributes_go_with_every_event() {
    let body = json!({"requestId": "r", "records": [{"data": STANDARD.encode("{}\n{\"a\":1}\ntext")}]}).to_string();
    let delivery = decode(body.as_bytes(), Some(br#"{"env":"prod"}"#), &rule()).unwrap();
    let events = events(&delivery.decoded);
    assert_eq!(events.len(), 3);
    assert!(events.iter().all(|event| event["common_attributes"] == json!({"env": "prod"})));
}

#[test]
fn a_bad_record_leaves_the_others_alone() {
    let mut cut_off = gzip(CLOUDWATCH.as_bytes());
    cut_off.truncate(60);
    let records = [
        json!({"data": "***"}),
        json!({"data": STANDARD.encode(cut_off)}),
        json!({"other": 1}),
        json!(5),
        json!({"data": STANDARD.encode("{\"a\":1}\n{\"a\":\n")}),
    ];
    let body = json!({"requestId": "r", "records": records}).to_string();
    let delivery = decode(body.as_bytes(), None, &rule()).unwrap();
    assert_eq!(delivery.decoded.accepted, 1);
    let codes: Vec<_> = refused(&delivery.decoded).into_iter().map(|(_, code)| code).collect();
    assert_eq!(codes, ["invalid_record", "invalid_record", "invalid_record", "invalid_json", "invalid_json"]);
    assert!(matches!(decode(b"{\"records\":[", None, &rule()), Err(BodyError::InvalidJson { .. })));
}

#[test]
fn all_records_together_are_bounded() {
    let bomb = gzip(&vec![b' '; 40 * 1024 * 1024]);
    let record = json!({"data": STANDARD.encode(&bomb)});
    let body = json!({"requestId": "r", "records": [record, record]}).to_string();
    assert!(matches!(decode(body.as_bytes(), None, &rule()), Err(BodyError::DecodedTooLarge)));
}
