//! What clients send: small requests with every form of identity and time.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue};
use ingest::IDEMPOTENCY_KEY;
use trawl_event::timestamp::{NS_PER_DAY, NS_PER_SECOND};
use trawl_event::{TenantId, Timestamp};

use crate::chance::Chance;
use crate::json::Json;

/// The services that events come from.
pub const SERVICES: [&str; 3] = ["api", "web", "db"];
/// The words in messages.
pub const WORDS: [&str; 3] = ["alpha", "beta", "gamma"];

/// An event as it was sent.
#[derive(Clone, Debug)]
pub struct Sent {
    /// Unique among all events, but for copies sent on purpose.
    pub id: String,
    /// What was sent.
    pub json: Json,
    /// Its own time, if it brought one.
    pub timestamp: Option<Timestamp>,
    /// Its service.
    pub service: &'static str,
    /// The word in its message.
    pub word: &'static str,
    /// How often it stands in its request.
    pub copies: u64,
}

/// How the server recognises the request when it comes again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Identity {
    /// By an `Idempotency-Key`.
    Key,
    /// By its body, since every event brings its time.
    Body,
    /// Not at all: it is sent once.
    None,
}

/// A request of events.
#[derive(Clone, Debug)]
pub struct Request {
    /// Whose.
    pub tenant: TenantId,
    /// How it is recognised.
    pub identity: Identity,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Bytes,
    /// The acceptable events in it.
    pub events: Vec<Sent>,
    /// How many lines in it are refused.
    pub refused: u64,
}

impl Request {
    /// The request of this number; numbers make events unique. Times lie in the 40 hours before `start`.
    pub fn draw(chance: &mut Chance, number: usize, tenant: TenantId, start: Timestamp) -> Self {
        let identity = *chance.pick(&[Identity::Key, Identity::Key, Identity::Body, Identity::Body, Identity::None]);
        let mut lines = Vec::new();
        let mut events: Vec<Sent> = Vec::new();
        for index in 0..1 + chance.below(5) {
            let has_time = identity == Identity::Body || chance.hit(0.6);
            let (line, mut sent) = event(chance, format!("e{number}-{index}"), has_time, start);
            if chance.hit(0.12) {
                lines.push(line.clone());
                sent.copies = 2;
            }
            lines.push(line);
            events.push(sent);
        }
        let is_broken = chance.hit(0.1);
        if is_broken {
            lines.insert(chance.below(lines.len() as u64 + 1) as usize, "{\"message\": broken".to_owned());
        }
        let mut headers = HeaderMap::new();
        if identity == Identity::Key {
            // Digits are visible ASCII, which a header value takes.
            let value = HeaderValue::from_str(&format!("key-{number}"));
            headers.extend(value.ok().map(|value| (http::HeaderName::from_static(IDEMPOTENCY_KEY), value)));
        }
        let body = Bytes::from(lines.join("\n"));
        Self { tenant, identity, headers, body, events, refused: u64::from(is_broken) }
    }
}

fn event(chance: &mut Chance, id: String, has_time: bool, start: Timestamp) -> (String, Sent) {
    let service = *chance.pick(&SERVICES);
    let word = *chance.pick(&WORDS);
    // Half of them close to a midnight, and on a grid, so that days are crossed and times are equal.
    let timestamp = has_time.then(|| match chance.hit(0.5) {
        true => start.day().start().plus_ns(chance.within(-10, 10) * NS_PER_SECOND),
        false => start.plus_ns(-chance.within(NS_PER_SECOND, NS_PER_DAY * 5 / 3)),
    });
    let time = match timestamp {
        Some(timestamp) => format!("\"{}\":\"{timestamp}\",", chance.pick(&["timestamp", "@timestamp"])),
        None => String::new(),
    };
    let rest = match chance.below(4) {
        0 => String::new(),
        1 => format!(r#","n":{}"#, chance.within(-5, 100)),
        2 => format!(r#","n":"text","http":{{"status":{}}}"#, chance.within(200, 600)),
        _ => r#","tags":["a",1.50,null,{}],"big":1e400"#.to_owned(),
    };
    let message = format!("{word} of {id}");
    let line = format!(r#"{{{time}"id":"{id}","service":"{service}","level":"info","message":"{message}"{rest}}}"#);
    // The text above is JSON whatever is drawn.
    let json = Json::parse(&line).unwrap_or(Json::Literal(line.clone()));
    (line, Sent { id, json, timestamp, service, word, copies: 1 })
}
