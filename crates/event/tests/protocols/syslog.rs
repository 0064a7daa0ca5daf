use serde_json::json;
use trawl_event::Timestamp;
use trawl_event::decode::BodyError;
use trawl_event::protocol::syslog::decode;
use trawl_event::shred::TimeRule;

use crate::{events, rule};

fn line(text: &str) -> serde_json::Value {
    let decoded = decode(text.as_bytes(), &rule()).unwrap();
    assert_eq!((decoded.accepted, decoded.rejected), (1, 0), "{text}");
    events(&decoded).remove(0)
}

#[test]
fn the_examples_of_rfc_5424_are_read() {
    assert_eq!(
        line(
            "<34>1 2003-10-11T22:14:15.003Z mymachine.example.com su - ID47 - \u{feff}'su root' failed for lonvick on /dev/pts/8"
        ),
        json!({
            "timestamp": "2003-10-11T22:14:15.003Z", "level": "crit", "facility": "auth", "host": "mymachine.example.com",
            "service": "su", "msgid": "ID47", "message": "'su root' failed for lonvick on /dev/pts/8",
        })
    );
    assert_eq!(
        line("<165>1 2003-08-24T05:14:15.000003-07:00 192.0.2.1 myproc 8710 - - %% It's time to make the do-nuts."),
        json!({
            "timestamp": "2003-08-24T05:14:15.000003-07:00", "level": "notice", "facility": "local4", "host": "192.0.2.1",
            "service": "myproc", "procid": "8710", "message": "%% It's time to make the do-nuts.",
        })
    );
    let structured = line(
        "<165>1 2003-10-11T22:14:15.003Z h evntslog - ID47 [exampleSDID@32473 iut=\"3\" eventSource=\"App\\\"l\\]\\x\" iut=\"4\"][examplePriority@32473 class=\"high\"] BOMAn",
    );
    assert_eq!(
        structured["structured_data"],
        json!({
            "exampleSDID@32473": {"iut": ["3", "4"], "eventSource": "App\"l]\\x"},
            "examplePriority@32473": {"class": "high"},
        })
    );
    assert_eq!(structured["message"], "BOMAn");
    assert_eq!(line("<0>1 - - - - - -")["message"], "");
}

#[test]
fn the_examples_of_rfc_3164_are_read() {
    assert_eq!(
        line("<34>Oct 11 22:14:15 mymachine su: 'su root' failed for lonvick on /dev/pts/8"),
        json!({
            "timestamp": "2025-10-11T22:14:15Z", "level": "crit", "facility": "auth", "host": "mymachine", "service": "su",
            "message": "'su root' failed for lonvick on /dev/pts/8",
        })
    );
    let local = line("<86>Mar  2 09:59:59 sshd[230]: Accepted publickey");
    assert_eq!((&local["service"], &local["procid"], local.get("host")), (&json!("sshd"), &json!("230"), None));
    assert_eq!(local["timestamp"], "2026-03-02T09:59:59Z");
    let rsyslog = line("<13>2026-03-02T09:00:00.5+01:00 host app[1]: said");
    assert_eq!((&rsyslog["timestamp"], &rsyslog["message"]), (&json!("2026-03-02T09:00:00.5+01:00"), &json!("said")));
    assert_eq!(line("<13>Use the BFG!")["message"], "Use the BFG!");
    assert_eq!(line("<13>Mar  2 09:59:59 host a message without a tag")["message"], "a message without a tag");
}

#[test]
fn a_time_without_a_year_is_the_last_such_time() {
    let at = |received: &str, text: &str| {
        let rule = TimeRule { received: Timestamp::parse(received).unwrap(), ..rule() };
        events(&decode(text.as_bytes(), &rule).unwrap())[0]["timestamp"].as_str().unwrap().to_owned()
    };
    assert_eq!(at("2026-01-01T00:00:10Z", "<13>Dec 31 23:59:59 h a: b"), "2025-12-31T23:59:59Z");
    assert_eq!(at("2025-12-31T23:59:59Z", "<13>Jan  1 00:00:01 h a: b"), "2026-01-01T00:00:01Z");
    assert_eq!(at("2026-03-02T10:00:00Z", "<13>Mar  2 10:00:05 h a: b"), "2026-03-02T10:00:05Z");
}

#[test]
fn lines_that_are_neither_are_messages() {
    for text in ["plain", "<999>1 x", "<13", "{\"message\":\"json\"}", "12 monkeys", "<x>y"] {
        assert_eq!(line(text), json!({"timestamp": "2026-03-02T10:00:00.000Z", "message": text}), "{text}");
    }
    for text in ["1 yesterday h a - - - m", "1 - h a - - [a b m", "1 - h a - - [a x=\"1\"][a y=\"2\"] m", "1 2 3"] {
        let event = line(&format!("<13>{text}"));
        assert_eq!((&event["message"], &event["level"]), (&json!(text), &json!("notice")));
    }
}

#[test]
fn frames_are_counted() {
    let body = b"19 <13>1 - h a - - - m\n20 <13>1 - h a - - - mx<13>1 - h a - - - last\n99999 <13>too long\n\n";
    let decoded = decode(body, &rule()).unwrap();
    let events = events(&decoded);
    let messages: Vec<_> = events.iter().map(|event| event["message"].as_str().unwrap()).collect();
    assert_eq!(messages, ["m", "mx", "last", "99999 <13>too long"]);
    assert_eq!(decode(b"\r\n \0\n", &rule()).unwrap_err(), BodyError::Empty);
}
