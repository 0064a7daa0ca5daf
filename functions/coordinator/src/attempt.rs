//! One task of a search, tried until it succeeds or trying again will not help.

use std::time::Duration;

use trawl_store::ports::{Clock, Ids, ScanResult, ScanTask, StoreError, Workers};

use crate::state::after;
use crate::{Coordinator, Ports};

/// How often one task is tried.
pub const ATTEMPTS: u32 = 4;
/// The pause before the second attempt; it doubles with each.
pub const FIRST_BACKOFF: Duration = Duration::from_millis(100);
/// The longest pause between two attempts.
const LAST_BACKOFF: Duration = Duration::from_secs(4);
/// How long a task goes on trying while there is no room for it.
const THROTTLED_PATIENCE: Duration = Duration::from_secs(60);

impl<P: Ports> Coordinator<P> {
    /// Runs a task until it succeeds or trying again will not help. Where there is only no room for it,
    /// it goes on trying for longer.
    pub(crate) async fn attempt<E>(&self, errand: E, task: ScanTask) -> (E, Result<ScanResult, StoreError>) {
        let began = self.clock.now();
        let mut pause = FIRST_BACKOFF;
        let mut failures = 0;
        loop {
            let error = match self.workers.run(task.clone()).await {
                Err(error) if error.is_retryable() => error,
                outcome => return (errand, outcome),
            };
            let goes_on = match &error {
                StoreError::Throttled(_) => self.clock.now() < after(began, THROTTLED_PATIENCE),
                _ => {
                    failures += 1;
                    failures < ATTEMPTS
                }
            };
            if !goes_on {
                return (errand, Err(error));
            }
            tracing::debug!(task = task.number, %error, "task failed, trying again");
            self.clock.sleep(self.spread(pause)).await;
            pause = (pause * 2).min(LAST_BACKOFF);
        }
    }

    /// Between half of a pause and all of it, so that those who failed together do not come back together.
    pub(crate) fn spread(&self, pause: Duration) -> Duration {
        let share = (self.clock.fresh() >> 96) as u32;
        pause / 2 + (pause / 2).mul_f64(f64::from(share) / f64::from(u32::MAX))
    }
}
