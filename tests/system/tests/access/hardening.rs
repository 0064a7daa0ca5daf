//! What a request may be made of, down to the byte, and what answers carry.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use trawl_system::http::{Framing, request};
use trawl_system::server::Server;

/// What comes back for these bytes until the server hangs up.
fn raw(address: SocketAddr, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    stream.write_all(bytes).unwrap();
    stream.shutdown(std::net::Shutdown::Write).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

fn answers(text: &str) -> usize {
    text.matches("HTTP/1.1 ").count()
}

#[test]
fn a_request_ends_where_all_agree_that_it_does() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path(), &[]);
    let address = server.address();
    let post =
        |headers: &str, body: &str| format!("POST /v1/events HTTP/1.1\r\nhost: {address}\r\n{headers}\r\n\r\n{body}");
    let smuggled = format!("GET /v1/status HTTP/1.1\r\nhost: {address}\r\n\r\n");
    for headers in [
        "content-length: 0\r\ncontent-length: 44",
        "content-length: +0",
        "content-length: 0, 44",
        "content-length : 0",
        "transfer-encoding: chunked, identity",
        "transfer-encoding: xchunked",
        "x-folded: a\r\n b: c\r\ncontent-length: 0",
    ] {
        let answer = raw(address, format!("{}{smuggled}", post(headers, "")).as_bytes());
        assert!(answer.starts_with("HTTP/1.1 400"), "{headers:?}: {answer}");
        assert_eq!(answers(&answer), 1, "{headers:?}: nothing behind it is answered: {answer}");
    }
    // With a length and chunks the chunks count, and the connection ends with it.
    let both = post("content-length: 5\r\ntransfer-encoding: chunked", "0\r\n\r\n");
    let answer = raw(address, format!("{both}{smuggled}").as_bytes());
    assert_eq!(answers(&answer), 1, "{answer}");
    assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
}

#[test]
fn every_answer_keeps_browsers_from_making_more_of_it_and_no_name_becomes_a_header() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path(), &[]);
    let address = server.address();
    for (method, path, body) in [
        ("GET", "/v1/health", ""),
        ("POST", "/v1/events", "{\"message\":\"x\"}"),
        ("POST", "/v1/events", "nothing"),
        ("GET", "/v1/unheard-of", ""),
        ("POST", "/services/collector", ""),
        ("POST", "/_bulk", "x"),
    ] {
        let headers = request(address, method, path, &[], body.as_bytes(), Framing::Length).headers.to_lowercase();
        for expected in [
            "x-content-type-options: nosniff",
            "x-frame-options: deny",
            "referrer-policy: no-referrer",
            "content-security-policy: ",
        ] {
            assert!(headers.contains(expected), "{method} {path}: {expected} is not in {headers}");
        }
    }
    for path in ["/v1/saved/a%0d%0ax-evil:%20b", "/v1/searches/a%0d%0ax-evil:%20b", "/v1/%0d%0ax-evil:%20b"] {
        let answer = request(address, "PUT", path, &[], br#"{"query":"x"}"#, Framing::Length);
        assert!(answer.status >= 400 && !answer.headers.contains("x-evil"), "{path}: {answer:?}");
    }
}
