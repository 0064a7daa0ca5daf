//! `trawl push`: events from files or stdin to the server.
//!
//! Inputs are read one after another ([`source`]), cut into events ([`lines`], [`documents`]) and those into
//! batches ([`batcher`]), which go out over several connections ([`crate::sender`]). Memory is bounded by the
//! number of connections, whatever the size of the inputs.

pub mod batcher;
pub mod documents;
pub mod lines;
mod progress;
pub mod source;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use clap::Args;
use serde::Serialize;
use trawl_client::{Client, Rejection};
use trawl_event::limits::MAX_EVENT_BYTES;
use trawl_event::shred::EventError;

use crate::sender::{self, Answer, Batch, Queue, Stopped, Tally};
use crate::{EXIT_FAILED, EXIT_NOTHING};
use batcher::Batcher;
use documents::Documents;
use lines::{Line, Lines};
use progress::Progress;
use source::{STDIN, Source};

const EXAMPLES: &str = "\
Inputs are NDJSON (one JSON object per line), JSON arrays or pretty-printed objects, plain or compressed
with gzip or zstd, whatever their names. With --raw, every line of plain text becomes an event.

Examples:
  trawl push app.ndjson more/*.ndjson.gz
  kubectl logs deploy/checkout | trawl push --raw --service checkout
  zstdcat old.zst | jq -c 'select(.level==\"error\")' | trawl push -

Pushing the same file again is safe: within the server's memory of one hour it adds only what was missing,
so after an error just run the command again. (A file that has grown repeats the events of its last
megabyte.) The same holds for stdin if every event brings its own timestamp.

Events that are refused are reported with file and line, and do not stop the others.
Exit status: 0 all accepted, 1 some refused, 2 an error (then some may not have been sent).";

/// What to push, and how.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct PushArgs {
    /// Files to read; - is stdin, which is also read when there are none.
    #[arg(value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Requests at a time.
    #[arg(short = 'j', long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=64))]
    pub connections: u16,
    /// Lines are plain text: each becomes {"message": line}.
    #[arg(long)]
    pub raw: bool,
    /// The service of those events.
    #[arg(long, value_name = "NAME", requires = "raw")]
    pub service: Option<String>,
}

/// Pushes all inputs.
pub fn run(client: &Client, args: &PushArgs) -> anyhow::Result<ExitCode> {
    let stdin = [PathBuf::from(STDIN)];
    let files = if args.files.is_empty() { stdin.as_slice() } else { args.files.as_slice() };
    let (bytes_read, tally) = (Arc::new(AtomicU64::new(0)), Arc::new(Tally::default()));
    let progress = Progress::start(total_bytes(files), Arc::clone(&bytes_read), Arc::clone(&tally));
    let (unread, failure) = sender::send_all(
        client,
        usize::from(args.connections),
        &tally,
        |batch, answer| report(&progress, batch, answer),
        |queue| {
            let mut unread = 0;
            for path in files {
                let read = Source::open(path, &bytes_read)
                    .map_err(|error| Ended::Input(error.into()))
                    .and_then(|source| push_source(source, args, queue, &progress));
                match read {
                    Ok(()) => {}
                    Err(Ended::Stopped(Stopped)) => break,
                    Err(Ended::Input(error)) => {
                        progress.say(&format!("trawl: {}: {error:#}", path.display()));
                        unread += 1;
                    }
                }
            }
            unread
        },
    );
    let refused = progress.finish(&tally);
    if let Some(failure) = failure {
        return Err(failure.error.context(format!(
            "stopped at {}, line {}; run the same command again to send the rest, nothing counts twice",
            failure.source, failure.first_line
        )));
    }
    Ok(match (unread, refused) {
        (0, 0) => ExitCode::SUCCESS,
        (0, _) => ExitCode::from(EXIT_NOTHING),
        _ => ExitCode::from(EXIT_FAILED),
    })
}

/// The size of all inputs, if each has one.
fn total_bytes(files: &[PathBuf]) -> Option<u64> {
    let size =
        |path: &PathBuf| std::fs::metadata(path).ok().filter(|metadata| metadata.is_file()).map(|file| file.len());
    files.iter().map(size).sum()
}

/// Why an input was not read to its end.
enum Ended {
    /// Sending has stopped.
    Stopped(Stopped),
    /// The input can't be read.
    Input(anyhow::Error),
}

impl From<Stopped> for Ended {
    fn from(stopped: Stopped) -> Self {
        Self::Stopped(stopped)
    }
}

fn push_source(source: Source, args: &PushArgs, queue: &Queue<'_>, progress: &Progress) -> Result<(), Ended> {
    let Source { name, identity, head, reader } = source;
    let mut batcher = Batcher::new(Arc::clone(&name), identity);
    let mut text = Vec::new();
    let mut add = |text: &mut Vec<u8>, line: Line| -> Result<(), Ended> {
        if args.raw {
            wrap(text, args.service.as_deref());
        }
        match check(text, line, args.raw) {
            Check::Blank => {}
            Check::Refused(code, message) => progress.refused_here(&place(&name, line.number), code, &message),
            Check::Event(event) => batcher.add(event, line).map_or(Ok(()), |batch| queue.put(batch))?,
        }
        Ok(())
    };
    let ended = if !args.raw && documents::is_document(&head) {
        let mut documents = Documents::new(reader, MAX_EVENT_BYTES);
        loop {
            match documents.next(&mut text) {
                Ok(Some(line)) => add(&mut text, line)?,
                Ok(None) => break Ok(()),
                Err(error) => break Err(Ended::Input(error.into())),
            }
        }
    } else {
        let mut lines = Lines::new(reader, MAX_EVENT_BYTES);
        loop {
            match lines.next(&mut text) {
                Ok(Some(line)) => add(&mut text, line)?,
                Ok(None) => break Ok(()),
                Err(error) => break Err(Ended::Input(error.into())),
            }
        }
    };
    // What was read before an error goes out all the same.
    batcher.finish().map_or(Ok(()), |batch| queue.put(batch))?;
    ended
}

/// The code of [`EventError::NotAnObject`], for lines whose message says more than the server could.
const NOT_AN_OBJECT: &str = "event_not_object";

/// What a line is worth.
enum Check<'a> {
    Blank,
    Event(&'a [u8]),
    Refused(&'static str, String),
}

/// Looks at what would spoil more than its own event; everything else is for the server to judge.
fn check(text: &[u8], line: Line, raw: bool) -> Check<'_> {
    let bytes = (line.length as usize).max(text.len());
    if bytes > MAX_EVENT_BYTES {
        let error = EventError::TooLarge { bytes };
        return Check::Refused(error.code(), error.to_string());
    }
    match text.trim_ascii() {
        [] => Check::Blank,
        event @ [b'{', ..] => Check::Event(event),
        event if raw => Check::Event(event),
        [b'[', ..] => Check::Refused(NOT_AN_OBJECT, "an event is a JSON object, found an array".to_owned()),
        _ => Check::Refused(NOT_AN_OBJECT, "an event is a JSON object; for lines of plain text use --raw".to_owned()),
    }
}

#[derive(Serialize)]
struct RawEvent<'a> {
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    service: Option<&'a str>,
}

/// Makes an event of a line of plain text; a blank one becomes nothing.
fn wrap(text: &mut Vec<u8>, service: Option<&str>) {
    let line = String::from_utf8_lossy(text);
    let message = line.trim_end();
    let event = if message.is_empty() { Ok(Vec::new()) } else { serde_json::to_vec(&RawEvent { message, service }) };
    // Two strings always serialise.
    *text = event.unwrap_or_default();
}

fn place(source: &str, line: u64) -> String {
    format!("{source}:{line}")
}

/// Shows what the server refused.
fn report(progress: &Progress, batch: &Batch, answer: &Answer) {
    let listed = |rejections: &[Rejection]| {
        for rejection in rejections {
            let line = batch.lines.get(rejection.index).copied().unwrap_or_default();
            progress.refused(&place(&batch.source, line), &rejection.code, &rejection.message);
        }
    };
    match answer {
        Ok(answer) => listed(&answer.rejected),
        Err(error) => match serde_json::from_value::<Vec<Rejection>>(error.detail["rejected"].clone()) {
            Ok(rejections) if !rejections.is_empty() => listed(&rejections),
            _ => {
                let (first, last) = (batch.lines.first().copied(), batch.lines.last().copied());
                let place = format!("{}-{}", place(&batch.source, first.unwrap_or_default()), last.unwrap_or_default());
                progress.refused(&place, &error.code, &error.message);
            }
        },
    }
}
