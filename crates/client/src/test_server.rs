//! A server for tests: it takes batches as Trawl does, once for each key, and behaves as badly as it is told.
// It waits on its own threads, for sockets and for the test.
#![allow(clippy::disallowed_methods)]

use std::collections::HashMap;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use serde_json::Value;

/// No test waits longer than this for what is to happen.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// What the server does with a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Reply {
    /// Takes it and says so.
    Take,
    /// Takes it, and hangs up before it says so.
    TakeAndHangUp,
    /// Hangs up.
    HangUp,
    /// Takes all but the last event.
    RejectLast,
    /// Answers with this status, `Retry-After` and body.
    Refuse(u16, Option<u64>, &'static str),
    /// Answers once the gate is open, and takes it then.
    TakeAtGate,
}

/// A request as it came.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub key: String,
    pub body: Vec<u8>,
    pub authorization: Option<String>,
    pub at: Instant,
}

#[derive(Default)]
struct Inside {
    seen: Mutex<Vec<Seen>>,
    changed: Condvar,
    taken: Mutex<Taken>,
    gate_is_open: Mutex<bool>,
    gate: Condvar,
    ends: AtomicBool,
}

/// Batches by their keys, and all their events.
#[derive(Default)]
struct Taken {
    batches: HashMap<String, Vec<u8>>,
    events: Vec<Value>,
}

/// The server; it ends when it is dropped.
pub(crate) struct TestServer {
    address: SocketAddr,
    inside: Arc<Inside>,
}

impl TestServer {
    /// Starts a server that does with the n-th request what `reply` says.
    pub(crate) fn start(reply: impl Fn(usize) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let inside = Arc::new(Inside::default());
        let shared = Arc::clone(&inside);
        let reply = Arc::new(reply);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if shared.ends.load(Ordering::SeqCst) {
                    return;
                }
                let (shared, reply) = (Arc::clone(&shared), Arc::clone(&reply));
                // The caller may be gone before it has its answer.
                std::thread::spawn(move || drop(shared.serve(stream, &*reply)));
            }
        });
        Self { address, inside }
    }

    /// One that takes whatever comes.
    pub(crate) fn good() -> Self {
        Self::start(|_| Reply::Take)
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The events it has taken, in their order.
    pub(crate) fn events(&self) -> Vec<Value> {
        self.inside.taken.lock().unwrap().events.clone()
    }

    /// The field `n` of these.
    pub(crate) fn numbers(&self) -> Vec<u64> {
        self.events().iter().map(|event| event["n"].as_u64().unwrap()).collect()
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.inside.seen.lock().unwrap().clone()
    }

    /// Waits until so many requests have come in.
    pub(crate) fn wait_for_requests(&self, count: usize) -> Vec<Seen> {
        let seen = self.inside.seen.lock().unwrap();
        let (seen, waited) = self.inside.changed.wait_timeout_while(seen, PATIENCE, |seen| seen.len() < count).unwrap();
        assert!(!waited.timed_out(), "{} of {count} requests came", seen.len());
        seen.clone()
    }

    /// Lets all through that wait or will come.
    pub(crate) fn open_gate(&self) {
        *self.inside.gate_is_open.lock().unwrap() = true;
        self.inside.gate.notify_all();
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        self.open_gate();
        self.inside.ends.store(true, Ordering::SeqCst);
        // Wakes the thread that waits for connections.
        let _ = TcpStream::connect(self.address);
    }
}

impl Inside {
    fn serve(&self, mut stream: TcpStream, reply: &dyn Fn(usize) -> Reply) -> io::Result<()> {
        let request = read_request(&stream)?;
        let number = {
            let mut seen = self.seen.lock().unwrap();
            seen.push(request.clone());
            seen.len() - 1
        };
        self.changed.notify_all();
        let events: Vec<&[u8]> = request.body.split_inclusive(|byte| *byte == b'\n').collect();
        let count = events.len();
        match reply(number) {
            Reply::Take => self.take(&request, &events),
            Reply::TakeAtGate => {
                let gate = self.gate_is_open.lock().unwrap();
                drop(self.gate.wait_while(gate, |open| !*open).unwrap());
                self.take(&request, &events);
            }
            Reply::RejectLast => {
                self.take(&request, &events[..count - 1]);
                let body = format!(
                    r#"{{"accepted":{},"rejected":[{{"index":{},"code":"bad","message":"on purpose"}}],"batch_id":""}}"#,
                    count - 1,
                    count - 1
                );
                return answer(&mut stream, 202, None, &body);
            }
            Reply::TakeAndHangUp => {
                self.take(&request, &events);
                return Ok(());
            }
            Reply::HangUp => return Ok(()),
            Reply::Refuse(status, retry_after, body) => return answer(&mut stream, status, retry_after, body),
        }
        answer(&mut stream, 202, None, &format!(r#"{{"accepted":{count},"rejected":[],"batch_id":""}}"#))
    }

    fn take(&self, request: &Seen, events: &[&[u8]]) {
        let mut taken = self.taken.lock().unwrap();
        if let Some(earlier) = taken.batches.insert(request.key.clone(), request.body.clone()) {
            assert_eq!(earlier, request.body, "other bytes under the same key");
            return;
        }
        taken.events.extend(events.iter().map(|event| serde_json::from_slice::<Value>(event).unwrap()));
    }
}

fn read_request(stream: &TcpStream) -> io::Result<Seen> {
    let mut reader = BufReader::new(stream);
    let mut headers = HashMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        if line.trim().is_empty() {
            break;
        }
        if let Some((name, value)) = line.trim().split_once(": ") {
            headers.insert(name.to_ascii_lowercase(), value.to_owned());
        }
    }
    let length = headers.get("content-length").and_then(|length| length.parse().ok()).unwrap_or_default();
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    if headers.get("content-encoding").is_some_and(|encoding| encoding == "zstd") {
        body = zstd::decode_all(body.as_slice())?;
    }
    let key = headers.get("idempotency-key").cloned().unwrap_or_default();
    Ok(Seen { key, body, authorization: headers.get("authorization").cloned(), at: Instant::now() })
}

fn answer(stream: &mut TcpStream, status: u16, retry_after: Option<u64>, body: &str) -> io::Result<()> {
    let retry_after = retry_after.map(|seconds| format!("retry-after: {seconds}\r\n")).unwrap_or_default();
    let length = body.len();
    write!(stream, "HTTP/1.1 {status} x\r\nconnection: close\r\n{retry_after}content-length: {length}\r\n\r\n{body}")
}
