//! The ports in memory: what the real stores promise, and nothing more.
//!
//! They pass the conformance suites of `trawl_store`, and each call is one step that is whole or
//! did not happen. What may go wrong around a call is added by [`crate::faulty`].

mod catalog;
mod documents;
mod objects;
mod searches;
mod stream;

pub use catalog::MemoryCatalog;
pub use documents::MemoryDocuments;
pub use objects::MemoryObjects;
pub use searches::MemorySearches;
pub use stream::MemoryStream;

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Locks; a panic elsewhere leaves no half-done step behind.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
