//! Where tests make the disk under the log fail; the code above it is the real one.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use super::super::lock;

/// What goes wrong next; each fault happens once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The disk is full after this many bytes of the first write that is as long.
    FullAfter(usize),
    /// An fsync fails.
    Sync,
    /// Cutting the file fails.
    Truncate,
}

/// The faults to come, shared with the log; counts fsyncs on the side.
#[derive(Clone, Debug, Default)]
pub struct Faults {
    planned: Arc<Mutex<Vec<Fault>>>,
    syncs: Arc<AtomicU64>,
}

impl Faults {
    /// Plans a fault.
    pub fn plan(&self, fault: Fault) {
        lock(&self.planned).push(fault);
    }

    /// How many fsyncs there were.
    pub fn syncs(&self) -> u64 {
        self.syncs.load(Ordering::SeqCst)
    }

    fn take(&self, wanted: impl Fn(&Fault) -> bool) -> Option<Fault> {
        let mut planned = lock(&self.planned);
        let at = planned.iter().position(wanted)?;
        Some(planned.remove(at))
    }

    /// How many bytes of a write get through, and the error that follows.
    pub fn on_write(&self, length: usize) -> Option<(usize, io::Error)> {
        match self.take(|fault| matches!(fault, Fault::FullAfter(bytes) if *bytes <= length)) {
            Some(Fault::FullAfter(bytes)) => Some((bytes, io::ErrorKind::StorageFull.into())),
            _ => None,
        }
    }

    /// Whether an fsync fails.
    pub fn on_sync(&self) -> io::Result<()> {
        self.syncs.fetch_add(1, Ordering::SeqCst);
        self.take(|fault| *fault == Fault::Sync).map_or(Ok(()), |_| Err(io::Error::other("injected fsync failure")))
    }

    /// Whether a truncation fails.
    pub fn on_truncate(&self) -> io::Result<()> {
        self.take(|fault| *fault == Fault::Truncate)
            .map_or(Ok(()), |_| Err(io::Error::other("injected truncation failure")))
    }
}
