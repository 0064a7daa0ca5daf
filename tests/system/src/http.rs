//! Requests down to the byte, for what no well-meaning client would send.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::thread;
use std::time::Duration;

use serde_json::Value;

/// Longest silence of a server that is about to answer.
const PATIENCE: Duration = Duration::from_secs(60);
/// Bytes of one chunk of a body that is sent in chunks.
const CHUNK_BYTES: usize = 64 * 1024;

/// How a body is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// With its length said before.
    Length,
    /// In chunks, its length said nowhere.
    Chunks,
    /// With more bytes announced than come: the connection is closed half-way.
    BreaksOff,
}

/// An answer.
#[derive(Debug)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The headers as they came.
    pub headers: String,
    /// The body, or null where it is no JSON.
    pub body: Value,
}

/// Sends one request on a connection of its own.
pub fn request(
    address: SocketAddr,
    method: &str,
    target: &str,
    headers: &[(String, String)],
    body: &[u8],
    framing: Framing,
) -> Answer {
    let mut head = format!("{method} {target} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n");
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    match framing {
        Framing::Length => head.push_str(&format!("content-length: {}\r\n\r\n", body.len())),
        Framing::Chunks => head.push_str("transfer-encoding: chunked\r\n\r\n"),
        Framing::BreaksOff => head.push_str(&format!("content-length: {}\r\n\r\n", body.len() * 2)),
    }
    let mut stream = TcpStream::connect(address).expect("the server listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout can be set");
    let writer = stream.try_clone().expect("a socket can be shared");
    let mut answer = Vec::new();
    thread::scope(|scope| {
        // The server may answer, and hang up, before it has read all: then writing fails, and that is fine.
        scope.spawn(move || send(writer, &head, body, framing));
        let read = stream.read_to_end(&mut answer);
        if let Err(error) = read {
            assert!(!answer.is_empty(), "{method} {target}: no answer: {error}");
        }
    });
    parse(&answer).unwrap_or_else(|| panic!("{method} {target}: no HTTP: {}", String::from_utf8_lossy(&answer)))
}

fn send(mut stream: TcpStream, head: &str, body: &[u8], framing: Framing) -> std::io::Result<()> {
    stream.write_all(head.as_bytes())?;
    match framing {
        Framing::Length => stream.write_all(body)?,
        Framing::Chunks => {
            for chunk in body.chunks(CHUNK_BYTES) {
                stream.write_all(format!("{:x}\r\n", chunk.len()).as_bytes())?;
                stream.write_all(chunk)?;
                stream.write_all(b"\r\n")?;
            }
            stream.write_all(b"0\r\n\r\n")?;
        }
        Framing::BreaksOff => {
            stream.write_all(body)?;
            stream.shutdown(Shutdown::Write)?;
        }
    }
    Ok(())
}

fn parse(answer: &[u8]) -> Option<Answer> {
    let end = answer.windows(4).position(|window| window == b"\r\n\r\n")?;
    let headers = String::from_utf8_lossy(&answer[..end]).to_ascii_lowercase();
    let status = headers.split(' ').nth(1)?.parse().ok()?;
    let body = serde_json::from_slice(&answer[end + 4..]).unwrap_or(Value::Null);
    Some(Answer { status, headers, body })
}
