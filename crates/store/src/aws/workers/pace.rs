//! How many invocations run at once: additive increase, multiplicative decrease.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

/// Never fewer than these, unless a deployment allows fewer.
const FEWEST: usize = 4;
/// After the size was halved, throttled answers of this long are about the size before.
const SETTLING: Duration = Duration::from_millis(200);
/// Of the invocations under way at most one in this many is a second try.
const HEDGES_PER: usize = 10;

/// Room for invocations.
#[derive(Debug)]
pub struct Pace {
    most: usize,
    state: Mutex<State>,
    freed: Notify,
}

#[derive(Debug)]
struct State {
    size: usize,
    running: usize,
    hedges: usize,
    halved: Option<Instant>,
}

/// A place that is taken; free again when dropped.
#[derive(Debug)]
pub struct Room<'p>(&'p Pace);

/// A second try under way.
#[derive(Debug)]
pub struct Hedge<'p>(&'p Pace);

impl Pace {
    /// At most `most` at once.
    pub fn new(most: usize) -> Self {
        let most = most.max(1);
        let state = State { size: most, running: 0, hedges: 0, halved: None };
        Self { most, state: Mutex::new(state), freed: Notify::new() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many may run at once now.
    pub fn size(&self) -> usize {
        self.state().size
    }

    /// Waits for a place.
    pub async fn room(&self) -> Room<'_> {
        loop {
            let freed = self.freed.notified();
            {
                let mut state = self.state();
                if state.running < state.size {
                    state.running += 1;
                    return Room(self);
                }
            }
            freed.await;
        }
    }

    /// Leave for a second try, if there are few.
    pub fn hedge(&self) -> Option<Hedge<'_>> {
        let mut state = self.state();
        if state.hedges >= state.running.div_ceil(HEDGES_PER) {
            return None;
        }
        state.hedges += 1;
        Some(Hedge(self))
    }

    /// An invocation succeeded: one more may run.
    pub fn went_well(&self) {
        let mut state = self.state();
        state.size = (state.size + 1).min(self.most);
        drop(state);
        self.freed.notify_one();
    }

    /// An invocation was throttled: half as many run.
    pub fn was_throttled(&self) {
        let now = Instant::now();
        let mut state = self.state();
        if state.halved.is_none_or(|halved| now.duration_since(halved) >= SETTLING) {
            state.size = (state.size / 2).max(FEWEST.min(self.most));
            state.halved = Some(now);
        }
    }
}

impl Drop for Room<'_> {
    fn drop(&mut self) {
        self.0.state().running -= 1;
        self.0.freed.notify_one();
    }
}

impl Drop for Hedge<'_> {
    fn drop(&mut self) {
        self.0.state().hedges -= 1;
    }
}

#[cfg(test)]
mod tests {
    use std::task::{Context, Waker};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn throttling_halves_and_success_grows() {
        let pace = Pace::new(32);
        assert_eq!(pace.size(), 32);
        pace.was_throttled();
        pace.was_throttled();
        assert_eq!(pace.size(), 16, "what was throttled together counts once");
        for _ in 0..5 {
            tokio::time::advance(SETTLING).await;
            pace.was_throttled();
        }
        assert_eq!(pace.size(), FEWEST);
        (0..100).for_each(|_| pace.went_well());
        assert_eq!(pace.size(), 32);
    }

    #[tokio::test]
    async fn room_is_given_when_a_place_is_free() {
        let pace = Pace::new(1);
        let first = pace.room().await;
        let mut second = Box::pin(pace.room());
        let mut context = Context::from_waker(Waker::noop());
        assert!(second.as_mut().poll(&mut context).is_pending());
        drop(first);
        assert!(second.as_mut().poll(&mut context).is_ready());
    }

    #[tokio::test]
    async fn few_are_tried_twice() {
        let pace = Pace::new(20);
        assert!(pace.hedge().is_none(), "nothing runs");
        let mut rooms = Vec::new();
        for _ in 0..11 {
            rooms.push(pace.room().await);
        }
        let hedges = (pace.hedge(), pace.hedge(), pace.hedge());
        assert!(hedges.0.is_some() && hedges.1.is_some() && hedges.2.is_none());
    }
}
