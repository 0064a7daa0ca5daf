//! Giving up: an evaluation whose result nobody waits for any more.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Tells an evaluation that is under way to end soon. What it gives then is of no use.
#[derive(Clone, Debug, Default)]
pub struct Stop(Option<Arc<AtomicBool>>);

impl Stop {
    /// One that can be set, from any thread.
    pub fn new() -> Self {
        Self(Some(Arc::default()))
    }

    /// One that never is.
    pub fn never() -> Self {
        Self(None)
    }

    /// Sets it, for all its clones.
    pub fn set(&self) {
        if let Some(flag) = &self.0 {
            flag.store(true, Ordering::Relaxed);
        }
    }

    /// Whether it is set.
    #[inline]
    pub fn is_set(&self) -> bool {
        self.0.as_ref().is_some_and(|flag| flag.load(Ordering::Relaxed))
    }
}
