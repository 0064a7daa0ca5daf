//! A real HTTP server on a real socket that answers as a test tells it to.
#![allow(dead_code)] // Each test binary uses its own part of this.
#![allow(clippy::disallowed_methods)] // A real server has threads.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// A request as it arrived.
#[derive(Debug, Clone)]
pub struct Request {
    pub method: String,
    /// Path and query.
    pub path: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Request {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// The body without its zstd coating, if it has one.
    pub fn plain_body(&self, decompress: impl Fn(&[u8]) -> Vec<u8>) -> Vec<u8> {
        match self.header("content-encoding") {
            Some("zstd") => decompress(&self.body),
            Some(other) => panic!("unexpected content-encoding {other}"),
            None => self.body.clone(),
        }
    }
}

/// What the server does with a request.
pub enum Reply {
    /// Status and JSON body.
    Json(u16, String),
    /// Status, one more header, JSON body.
    WithHeader(u16, (&'static str, String), String),
    /// Closes the connection without a word, having read the request.
    HangUp,
    /// Announces a longer body than it sends, then closes.
    HalfAnswer,
}

/// The server; it ends with the test process.
pub struct Server {
    pub url: String,
    requests: Arc<Mutex<Vec<Request>>>,
}

impl Server {
    /// Serves with `answer`, which is told each request and how many came before it.
    pub fn start(answer: impl Fn(&Request, usize) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (log, answer) = (Arc::clone(&requests), Arc::new(answer));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (log, answer) = (Arc::clone(&log), Arc::clone(&answer));
                std::thread::spawn(move || serve(stream, &log, &*answer));
            }
        });
        Self { url, requests }
    }

    /// All requests so far, in order of arrival.
    pub fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }
}

fn serve(stream: TcpStream, log: &Mutex<Vec<Request>>, answer: &(impl Fn(&Request, usize) -> Reply + ?Sized)) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut writer = stream;
    while let Some(request) = read_request(&mut reader) {
        let count = {
            let mut log = log.lock().unwrap();
            log.push(request.clone());
            log.len() - 1
        };
        let written = match answer(&request, count) {
            Reply::Json(status, body) => respond(&mut writer, status, "", &body),
            Reply::WithHeader(status, (name, value), body) => {
                respond(&mut writer, status, &format!("{name}: {value}\r\n"), &body)
            }
            Reply::HangUp => return,
            Reply::HalfAnswer => {
                let _ = writer.write_all(b"HTTP/1.1 202 Accepted\r\ncontent-length: 1000\r\n\r\n{\"acc");
                return;
            }
        };
        if written.is_err() {
            return;
        }
    }
}

fn respond(writer: &mut TcpStream, status: u16, headers: &str, body: &str) -> std::io::Result<()> {
    let length = body.len();
    // In one write: the client need not wait for a second packet.
    let answer = format!(
        "HTTP/1.1 {status} status\r\ncontent-type: application/json\r\n{headers}content-length: {length}\r\n\r\n{body}"
    );
    writer.write_all(answer.as_bytes())
}

fn read_request(reader: &mut impl BufRead) -> Option<Request> {
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|length| *length > 0)?;
    let mut words = line.split_whitespace().map(str::to_owned);
    let (method, path) = (words.next()?, words.next()?);
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        headers.push((name.to_owned(), value.trim().to_owned()));
    }
    let mut request = Request { method, path, headers, body: Vec::new() };
    let length = request.header("content-length").map_or(0, |value| value.parse().unwrap());
    request.body.resize(length, 0);
    reader.read_exact(&mut request.body).ok()?;
    Some(request)
}
