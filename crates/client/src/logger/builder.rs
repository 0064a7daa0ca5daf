//! How a logger is set up.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;

use super::backlog::Backlog;
use super::error::StartError;
use super::fields::Fields;
use super::problem::{Hook, Problem, ProblemKind, Reporter, to_stderr};
use super::sender::Sender;
use super::shared::{Limits, Shared, WhenFull};
use super::spool::{SpoolDirectory, Survives};
use super::{Handle, Logger};
use crate::client::Client;
use crate::retry::Retries;

/// Bytes of events that wait in memory at most.
const QUEUE_BYTES: u64 = 16 * 1024 * 1024;
/// Bytes of events that wait in a spool at most.
const SPOOL_BYTES: u64 = 256 * 1024 * 1024;
/// Bytes of events in a batch: half of what the server keeps as one record, so none is cut in two.
const BATCH_BYTES: u64 = 512 * 1024;
/// Bounds of what a batch may be set to: below the 10 MB that the server takes.
const BATCH_BYTES_BOUNDS: (u64, u64) = (1024, 4 * 1024 * 1024);
/// A queue holds at least as many batches: one being sent, one open, and one between them.
const LEAST_BATCHES: u64 = 4;
/// The longest that an event waits for others.
const BATCH_AGE: Duration = Duration::from_secs(1);
/// The longest wait between two attempts.
const LONGEST_WAIT: Duration = Duration::from_secs(30);
/// The longest that the last handle's drop waits.
const DROP_TIMEOUT: Duration = Duration::from_secs(5);
/// What the sending thread is called: Linux shows 15 bytes of it.
const THREAD_NAME: &str = "trawl-logger";

/// Settings of a [`Logger`]; each has a default that does.
pub struct Builder {
    url: String,
    api_key: Option<String>,
    service: Option<String>,
    fixed: Fields,
    fixed_error: Option<serde_json::Error>,
    max_bytes: Option<u64>,
    when_full: WhenFull,
    batch_bytes: u64,
    batch_age: Duration,
    spool: Option<PathBuf>,
    survives: Survives,
    retries: Retries,
    hook: Option<Hook>,
    drop_timeout: Duration,
    thread_name: String,
}

impl std::fmt::Debug for Builder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Without the key.
        f.debug_struct("Builder").field("url", &self.url).field("service", &self.service).finish_non_exhaustive()
    }
}

impl Builder {
    pub(super) fn new(url: &str) -> Self {
        Self {
            url: url.to_owned(),
            api_key: None,
            service: None,
            fixed: Fields::default(),
            fixed_error: None,
            max_bytes: None,
            when_full: WhenFull::default(),
            batch_bytes: BATCH_BYTES,
            batch_age: BATCH_AGE,
            spool: None,
            survives: Survives::default(),
            retries: Retries { longest_wait: LONGEST_WAIT, ..Retries::default() },
            hook: None,
            drop_timeout: DROP_TIMEOUT,
            thread_name: THREAD_NAME.to_owned(),
        }
    }

    /// The key that the server asks for, sent as `Authorization: Bearer`.
    #[must_use]
    pub fn api_key(mut self, key: impl Into<String>) -> Self {
        self.api_key = Some(key.into());
        self
    }

    /// The field `service` of each event.
    #[must_use]
    pub fn service(mut self, name: impl Into<String>) -> Self {
        self.service = Some(name.into());
        self
    }

    /// A field of each event, such as the host or the version. An event's own field of that name goes before it.
    #[must_use]
    pub fn field(mut self, name: &str, value: impl Serialize) -> Self {
        if let Err(error) = self.fixed.put(name, &value) {
            self.fixed_error = Some(error);
        }
        self
    }

    /// How many bytes of events wait at most: 16 MiB in memory or 256 MiB in the spool unless set, and at least four
    /// batches' worth of 1 KiB.
    #[must_use]
    pub fn max_bytes(mut self, bytes: u64) -> Self {
        self.max_bytes = Some(bytes);
        self
    }

    /// What happens to an event when they are as many: the oldest go, unless set otherwise.
    #[must_use]
    pub fn when_full(mut self, policy: WhenFull) -> Self {
        self.when_full = policy;
        self
    }

    /// How many bytes of events make a batch: 512 KiB unless set, from 1 KiB to 4 MiB, and at most a quarter of
    /// [`Builder::max_bytes`].
    #[must_use]
    pub fn batch_bytes(mut self, bytes: u64) -> Self {
        self.batch_bytes = bytes;
        self
    }

    /// How long an event waits for others at most: 1 s unless set. While batches wait for a server that does not
    /// answer, it waits until its batch is full.
    #[must_use]
    pub fn batch_age(mut self, age: Duration) -> Self {
        self.batch_age = age;
        self
    }

    /// Keeps events in this directory until the server has them, so that they outlive the process. Each process has a
    /// directory of its own.
    #[must_use]
    pub fn spool(mut self, directory: impl Into<PathBuf>) -> Self {
        self.spool = Some(directory.into());
        self
    }

    /// What an event in the spool survives: a crash of the process, unless set otherwise.
    #[must_use]
    pub fn survives(mut self, what: Survives) -> Self {
        self.survives = what;
        self
    }

    /// How long to wait between attempts: from 100 ms to 30 s unless set. A batch is never given up for the number of
    /// its attempts, so [`Retries::give_up_after`] does not matter here.
    #[must_use]
    pub fn retries(mut self, retries: Retries) -> Self {
        self.retries = retries;
        self
    }

    /// What is called when events don't arrive, on the sending thread and at most once a minute for each kind of
    /// problem. Without it a line goes to stderr.
    #[must_use]
    pub fn on_problem(mut self, hook: impl Fn(&Problem) + Send + 'static) -> Self {
        self.hook = Some(Box::new(hook));
        self
    }

    /// How long the drop of the last handle waits for events to be sent: 5 s unless set.
    #[must_use]
    pub fn drop_timeout(mut self, timeout: Duration) -> Self {
        self.drop_timeout = timeout;
        self
    }

    /// What the sending thread is called: `trawl-logger` unless set.
    #[must_use]
    pub fn thread_name(mut self, name: impl Into<String>) -> Self {
        self.thread_name = name.into();
        self
    }

    /// Opens the spool, if there is one, and starts the sending thread. The server need not be there yet.
    pub fn start(self) -> Result<Logger, StartError> {
        if let Some(error) = self.fixed_error {
            return Err(StartError::Field(error));
        }
        let client = Client::new(&self.url, self.api_key.as_deref())?.with_retries(Retries::NONE);
        let default_bytes = if self.spool.is_some() { SPOOL_BYTES } else { QUEUE_BYTES };
        let (least, most) = BATCH_BYTES_BOUNDS;
        let max_bytes = self.max_bytes.unwrap_or(default_bytes).max(LEAST_BATCHES * least);
        let batch_bytes = self.batch_bytes.clamp(least, most).min(max_bytes / LEAST_BATCHES);
        let mut reporter = Reporter::new(self.hook.unwrap_or_else(to_stderr));
        let backlog = match &self.spool {
            Some(path) => {
                let (spool, found) = SpoolDirectory::open(path, self.survives).map_err(|source| {
                    let path = path.clone();
                    match source.kind() {
                        std::io::ErrorKind::WouldBlock => StartError::SpoolInUse { path },
                        _ => StartError::Spool { path, source },
                    }
                })?;
                for segment in found.iter().filter(|segment| segment.unreadable_bytes > 0) {
                    let (path, bytes) = (segment.path.display(), segment.unreadable_bytes);
                    // The end of a process can tear the record that it was writing; no event was accepted then.
                    let reason = format!("{path}: {bytes} bytes at its end are no whole event");
                    reporter.tell(ProblemKind::SpoolUnreadable, 0, reason);
                }
                Backlog::in_spool(batch_bytes, spool, &found)
            }
            None => Backlog::in_memory(batch_bytes),
        };
        let mut service = Fields::default();
        if let Some(name) = &self.service {
            let name = serde_json::to_string(name).map_err(StartError::Field)?;
            service.text = format!(",\"service\":{name}").into_bytes();
        }
        let limits = Limits { max_bytes, when_full: self.when_full, batch_age: self.batch_age };
        let shared = Arc::new(Shared::new(backlog, limits, service.text, self.fixed));
        let sender = Sender { shared: Arc::clone(&shared), client, retries: self.retries, reporter, told_lost: 0 };
        // The one thread of the library, in its caller's process, never inside a stage. It ends by itself after a
        // shutdown; nobody joins it, since a request under way can't be cut short.
        #[allow(clippy::disallowed_methods)]
        let thread = std::thread::Builder::new().name(self.thread_name).spawn(move || sender.run());
        thread.map_err(StartError::Thread)?;
        Ok(Logger { handle: Arc::new(Handle { shared, drop_timeout: self.drop_timeout }) })
    }
}
