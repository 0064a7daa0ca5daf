//! Until a condition holds, or a deadline passes.

use std::thread;
use std::time::{Duration, Instant};

/// The pause between two looks at what another process does.
const LOOK_AGAIN: Duration = Duration::from_millis(5);

/// Asks until there is an answer. Fails the test with `what` if none comes within `patience`.
pub fn until<T>(what: &str, patience: Duration, mut ask: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + patience;
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(Instant::now() < deadline, "not within {patience:?}: {what}");
        thread::sleep(LOOK_AGAIN);
    }
}
