//! How a run leaves a search to the next: its plan, stored once, and notes of how far it is.

use bytes::Bytes;
use trawl_store::ports::{Clock, RowKey, Searches, StoreError};

use crate::Ports;
use crate::plan::Planned;
use crate::run::{Run, Stop};
use crate::state::{MAX_RESUMPTIONS, Resume};
use crate::work::Work;

/// What the runs before had done.
#[derive(Clone, Debug, Default)]
pub struct Before {
    /// The tasks that ended.
    pub ended: Vec<u32>,
    /// The last event in the pages that count.
    pub last: Option<RowKey>,
    /// How many events these pages hold.
    pub given: u64,
    /// Matches of ended tasks that are in no page, because fewer were wanted.
    pub not_given: u64,
}

impl From<&Resume> for Before {
    fn from(resume: &Resume) -> Self {
        let Resume { last, given, not_given, ended, .. } = resume;
        Self { ended: ended.clone(), last: *last, given: *given, not_given: *not_given }
    }
}

impl<P: Ports> Run<'_, P> {
    /// The plan of a run before.
    pub(crate) async fn stored_plan(&self, page: u32) -> Result<Vec<Planned>, StoreError> {
        let lost = |reason: String| StoreError::Permanent(format!("the plan of the search cannot be read: {reason}"));
        let stored = self.coordinator.searches.page(self.tenant, self.id, page).await?;
        let stored = stored.ok_or_else(|| lost("it is gone".into()))?;
        serde_json::from_slice(&stored).map_err(|error| lost(error.to_string()))
    }

    /// Notes where another run would go on; the plan before the first such note.
    pub(crate) async fn note(&mut self, work: &Work<'_, P::Searches>) -> Result<(), Stop> {
        if !self.is_plan_stored {
            let json = serde_json::to_vec(&self.plan).map_err(|error| StoreError::Permanent(error.to_string()))?;
            self.coordinator.searches.put_page(self.tenant, self.id, self.plan_page, Bytes::from(json)).await?;
            self.is_plan_stored = true;
        }
        let (last, given) = work.pages.reached();
        let (ended, not_given) = work.merge.ended_by(last);
        let (partial, sorted) = work.collected.noted();
        let (summary, counted) = work.counting.as_ref().map(|counting| counting.noted()).unzip();
        self.state.resume = Some(Resume {
            plan: self.plan_page,
            last,
            given,
            not_given: self.before.not_given + if work.collected.is_ordered() { not_given } else { 0 },
            ended: self.before.ended.iter().copied().chain(ended).collect(),
            partial,
            sorted,
            summary,
            counted: counted.unwrap_or_default(),
            progress: self.state.progress,
            cost: self.state.cost,
            missing: self.state.missing.clone(),
        });
        Ok(())
    }

    /// Leaves the search to another run, unless no run gets anywhere.
    pub(crate) async fn hand_over(&mut self, work: &mut Work<'_, P::Searches>) -> Result<(), Stop> {
        if !self.is_any_task_ended {
            self.state.resumptions += 1;
            if self.state.resumptions > MAX_RESUMPTIONS {
                return Err(Stop::interrupted());
            }
        }
        work.pages.flush().await?;
        self.note(work).await?;
        self.count_pages(work);
        self.state.leave(self.coordinator.clock.now());
        self.save().await?;
        Err(Stop::HandedOver)
    }
}
