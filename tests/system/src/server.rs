//! A `trawl local` of a test's own.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, ChildStderr, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use trawl_client::{Client, Retries};

use crate::command::trawl;
use crate::wait;

/// How long a server may take to start; a busy machine needs a while.
const START: Duration = Duration::from_secs(60);
/// How long it may take to end once it was asked to.
const STOP: Duration = Duration::from_secs(60);
/// What it says, before its address, once it answers.
const LISTENING: &str = "listening on http://";
/// The tail stays in the stream: no test with these pushes that much or takes that long.
pub const NEVER_PERSIST: [&str; 4] = ["--flush-age", "1d", "--flush-bytes", "100GiB"];
/// Whatever comes in is persisted at once.
pub const PERSIST_AT_ONCE: [&str; 2] = ["--flush-age", "1ms"];

/// A running server. It is killed when this is dropped.
pub struct Server {
    child: Child,
    address: SocketAddr,
    log: Arc<Mutex<String>>,
}

impl Server {
    /// Starts a server on this data, with these arguments beside; returns once it answers.
    pub fn start(data: &Path, arguments: &[&str]) -> Self {
        let mut command = trawl("");
        command.args(["local", "--listen", "127.0.0.1:0", "--data"]).arg(data).args(arguments);
        let mut child = command.stderr(Stdio::piped()).spawn().expect("trawl can be started");
        let stderr = child.stderr.take().expect("stderr is a pipe");
        let log = Arc::new(Mutex::new(String::new()));
        let (sender, addresses) = channel();
        let kept = Arc::clone(&log);
        thread::spawn(move || follow(stderr, &kept, &sender));
        match addresses.recv_timeout(START) {
            Ok(address) => Self { child, address, log },
            Err(_) => {
                let _ = child.kill();
                panic!("the server does not listen; it said:\n{}", text(&log));
            }
        }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The same as a URL.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// A client that asks once and takes no for an answer.
    pub fn client(&self) -> Client {
        Client::new(&self.url(), None).expect("an address is a URL").with_retries(Retries::NONE)
    }

    /// Its process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// What it has said so far.
    pub fn log(&self) -> String {
        text(&self.log)
    }

    /// Whether it still runs.
    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().expect("a child can be asked").is_none()
    }

    /// Ends it at once: SIGKILL, which no process can answer.
    pub fn kill(mut self) {
        self.child.kill().expect("a child can be killed");
        self.child.wait().expect("a killed child ends");
    }

    /// Asks it to end with SIGTERM; returns at once.
    pub fn ask_to_stop(&self) {
        let id = self.id().to_string();
        let asked = Command::new("kill").args(["-TERM", &id]).status().expect("kill can be started");
        assert!(asked.success(), "the server was gone before it was asked to stop:\n{}", self.log());
    }

    /// Waits until it has ended by itself.
    pub fn wait(mut self) -> ExitStatus {
        wait::until("the server ends", STOP, || self.child.try_wait().expect("a child can be asked"))
    }

    /// Asks it to end and waits until it has.
    pub fn stop(self) {
        self.ask_to_stop();
        let log = Arc::clone(&self.log);
        let status = self.wait();
        assert!(status.success(), "the server ended with {status}:\n{}", text(&log));
    }

    /// The most memory it ever had resident, in bytes (`VmHWM` of proc(5)).
    pub fn peak_memory_bytes(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.id())).expect("the server runs");
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("Linux counts it");
        let kilobytes: u64 = line.trim().trim_end_matches("kB").trim().parse().expect("a number of kB");
        kilobytes * 1024
    }

    /// Waits until all that was accepted is in segments.
    pub fn wait_until_persisted(&self) {
        let client = self.client();
        wait::until("the tail is persisted", Duration::from_secs(120), || {
            (client.status().expect("the server answers").tail_events == 0).then_some(())
        });
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if thread::panicking() {
            eprintln!("the server said:\n{}", self.log());
        }
    }
}

fn follow(stderr: ChildStderr, log: &Mutex<String>, address: &Sender<SocketAddr>) {
    for line in BufReader::new(stderr).lines().map_while(Result::ok) {
        if let Some((_, rest)) = line.split_once(LISTENING) {
            let text = rest.split_whitespace().next().unwrap_or_default();
            // The test may have given up waiting.
            let _ = address.send(text.parse().expect("the server says its address"));
        }
        let mut log = log.lock().unwrap_or_else(PoisonError::into_inner);
        log.push_str(&line);
        log.push('\n');
    }
}

fn text(log: &Mutex<String>) -> String {
    log.lock().unwrap_or_else(PoisonError::into_inner).clone()
}
