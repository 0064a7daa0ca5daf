//! A `trawl local` of a test's own, and the other verbs against it.
#![allow(dead_code)] // Each test binary uses its own part of this.
#![allow(clippy::disallowed_methods)] // A test has threads.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use crate::support::{Reply, Request};

/// A running server; it ends, with its data, when this is dropped.
pub struct Local {
    child: Child,
    pub url: String,
    /// A directory for a test's files.
    pub directory: TempDir,
}

/// What a command left behind.
#[derive(Debug)]
pub struct Ended {
    pub status: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Ended {
    /// What it printed, of a command that went well.
    pub fn ok(self) -> String {
        assert_eq!(self.status, Some(0), "{}", self.stderr);
        self.stdout
    }
}

impl Local {
    /// Starts a server; returns once it answers.
    pub fn start() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_trawl"));
        command.args(["local", "--listen", "127.0.0.1:0", "--data"]).arg(directory.path().join("data"));
        let mut child = command.env_remove("TRAWL_LOG").stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
        let url =
            lines.find_map(|line| Some(line.split_once("listening on ")?.1.split_whitespace().next()?.to_owned()));
        // What it says from here on is for nobody, but must be read.
        std::thread::spawn(move || lines.for_each(drop));
        Self { child, url: url.expect("the server says its address"), directory }
    }

    /// A verb against this server.
    pub fn command(&self, arguments: &[&str]) -> Command {
        command(&self.url, arguments)
    }

    /// Runs a verb.
    pub fn run(&self, arguments: &[&str]) -> Ended {
        ended(&mut self.command(arguments))
    }

    /// Runs a verb with this on its stdin.
    pub fn run_with(&self, arguments: &[&str], input: &str) -> Ended {
        let mut command = self.command(arguments);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        texts(&child.wait_with_output().unwrap())
    }

    /// Sends events.
    pub fn push(&self, events: &[Value]) {
        let lines: String = events.iter().map(|event| format!("{event}\n")).collect();
        self.run_with(&["push", "-"], &lines).ok();
    }

    /// A path in the directory of the test.
    pub fn path(&self, name: &str) -> String {
        self.directory.path().join(name).to_str().unwrap().to_owned()
    }
}

impl Drop for Local {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A verb against the server at `url`.
pub fn command(url: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_trawl"));
    command
        .args(arguments)
        .env("TRAWL_URL", url)
        .env_remove("TRAWL_API_KEY")
        .env_remove("COLUMNS")
        .stdin(Stdio::null());
    command
}

/// Runs a command to its end.
pub fn ended(command: &mut Command) -> Ended {
    texts(&command.output().unwrap())
}

fn texts(output: &std::process::Output) -> Ended {
    Ended {
        status: output.status.code(),
        stdout: String::from_utf8(output.stdout.clone()).unwrap(),
        stderr: String::from_utf8(output.stderr.clone()).unwrap(),
    }
}

/// Hands a request on to the server at `url`.
pub fn forward(url: &str, request: &Request) -> Reply {
    let address = url.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).unwrap();
    let head = format!(
        "{} {} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        request.method,
        request.path,
        request.body.len()
    );
    stream.write_all(&[head.as_bytes(), &request.body].concat()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    Reply::Json(head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
}
