//! A verb of the command, run to its end.

use std::io::Write;
use std::process::{Command, Stdio};
use std::thread;

use crate::binary::binary;

/// What a command left behind.
#[derive(Debug)]
pub struct Ended {
    /// Its exit status; `None` when a signal ended it.
    pub status: Option<i32>,
    /// Its results.
    pub stdout: String,
    /// Its progress and errors.
    pub stderr: String,
}

/// `trawl` with nothing of this process's own settings; talks to the server at `url`.
pub fn trawl(url: &str) -> Command {
    let mut command = Command::new(binary());
    command.env("TRAWL_URL", url).env_remove("TRAWL_API_KEY").env_remove("TRAWL_LOG").stdin(Stdio::null());
    command
}

/// Runs `trawl` with these arguments.
pub fn run(url: &str, arguments: &[&str]) -> Ended {
    ended(trawl(url).args(arguments))
}

/// Runs `trawl` with these arguments and this on its stdin.
pub fn run_with(url: &str, arguments: &[&str], input: &[u8]) -> Ended {
    let mut command = trawl(url);
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("trawl can be started");
    let mut stdin = child.stdin.take().expect("stdin is a pipe");
    let output = thread::scope(|scope| {
        // A command that has seen enough closes the pipe: no concern of the writer's.
        scope.spawn(move || stdin.write_all(input));
        child.wait_with_output().expect("trawl ends")
    });
    texts(output)
}

/// Runs a command to its end.
pub fn ended(command: &mut Command) -> Ended {
    texts(command.output().expect("trawl can be started"))
}

fn texts(output: std::process::Output) -> Ended {
    Ended {
        status: output.status.code(),
        stdout: String::from_utf8(output.stdout).expect("results are UTF-8"),
        stderr: String::from_utf8(output.stderr).expect("messages are UTF-8"),
    }
}
