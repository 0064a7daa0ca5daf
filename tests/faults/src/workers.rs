//! Scan workers and the launcher, as functions that may die, be slow, or be started twice.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::{Arc, OnceLock, Weak};

use coordinator::state::SearchState;
use futures_util::FutureExt;
use trawl_api::search::Status;
use trawl_event::TenantId;
use trawl_event::timestamp::NS_PER_SECOND;
use trawl_store::ports::{Clock, Launcher, Result, ScanResult, ScanTask, SearchId, Searches, StoreError, Workers};

use crate::memory::MemorySearches;
use crate::stages::SimCoordinator;
use crate::world::World;

/// How many tasks of a search run at once.
const PARALLELISM: usize = 3;

type Scan = Pin<Box<dyn Future<Output = Result<ScanResult>> + Send>>;

/// Workers that each run a task as `work` says.
#[derive(Clone)]
pub struct SimWorkers {
    world: World,
    work: Arc<dyn Fn(ScanTask) -> Scan + Send + Sync>,
}

impl SimWorkers {
    /// Workers in `world`.
    pub fn new<F>(world: World, work: impl Fn(ScanTask) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<ScanResult>> + Send + 'static,
    {
        Self { world, work: Arc::new(move |task| Box::pin(work(task))) }
    }
}

impl Workers for SimWorkers {
    async fn run(&self, task: ScanTask) -> Result<ScanResult> {
        let effect = async {
            let run = async { (self.work)(task).await };
            match self.world.mortal("scan worker", AssertUnwindSafe(run).catch_unwind()).await {
                Some(Ok(outcome)) => outcome,
                Some(Err(_)) => {
                    self.world.cover("scan worker panicked");
                    Err(StoreError::Permanent("the scan worker panicked".into()))
                }
                None => Err(StoreError::Transient("the scan worker died".into())),
            }
        };
        self.world.call("workers.run", effect).await
    }

    fn parallelism(&self) -> usize {
        PARALLELISM
    }
}

/// Starts runs of searches as asynchronous invocations are: at least once, and what dies is tried again.
#[derive(Clone)]
pub struct SimLauncher {
    world: World,
    searches: Arc<MemorySearches>,
    coordinator: Arc<OnceLock<Weak<SimCoordinator>>>,
}

impl SimLauncher {
    /// A launcher that knows its coordinator once [`SimLauncher::connect`] was called.
    pub fn new(world: World, searches: Arc<MemorySearches>) -> Self {
        Self { world, searches, coordinator: Arc::default() }
    }

    /// Names the coordinator that is launched.
    pub fn connect(&self, coordinator: &Arc<SimCoordinator>) {
        // A launcher is connected once, by whoever made it.
        drop(self.coordinator.set(Arc::downgrade(coordinator)));
    }

    fn start(&self, tenant: &TenantId, id: SearchId) {
        let Some(coordinator) = self.coordinator.get().and_then(Weak::upgrade) else { return };
        let (world, searches, tenant) = (self.world.clone(), self.searches.clone(), tenant.clone());
        self.world.spawn(async move {
            for attempt in 0..3 {
                if attempt > 0 {
                    world.cover("run of a search started again");
                }
                note_where_it_begins(&world, &searches, &tenant, id).await;
                // Now and then a run has little time, and leaves the search to the next.
                let is_short = world.rates().crash > 0.0 && world.chance(|chance| chance.hit(0.3));
                let until =
                    is_short.then(|| world.now().plus_ns(world.chance(|chance| chance.within(0, 40 * NS_PER_SECOND))));
                match world.mortal("search run", coordinator.run(&tenant, id, until)).await {
                    Some(Ok(outcome)) => {
                        if outcome.worked && outcome.status == Status::Running {
                            world.cover("search run handed over");
                        }
                        return;
                    }
                    Some(Err(error)) if !error.is_retryable() => return,
                    Some(Err(_)) | None => {}
                }
            }
        });
    }
}

async fn note_where_it_begins(world: &World, searches: &MemorySearches, tenant: &TenantId, id: SearchId) {
    let Ok(Some((_, bytes))) = searches.state(tenant, id).await else { return };
    let Ok(state) = SearchState::decode(&bytes) else { return };
    if state.status != Status::Running || state.run.is_some() {
        return;
    }
    let Some(resume) = state.resume else { return };
    if state.wanted.is_some() {
        world.cover("search run went on past a limit");
        return;
    }
    world.cover("search run went on where another was");
    if resume.given > 0 {
        world.cover("search run went on behind pages of another");
    }
    if !resume.ended.is_empty() {
        world.cover("search run left out tasks of another");
    }
}

impl Launcher for SimLauncher {
    async fn launch(&self, tenant: &TenantId, id: SearchId) -> Result<()> {
        let effect = async {
            self.start(tenant, id);
            let rates = self.world.rates();
            if self.world.chance(|chance| chance.hit(rates.repeat * 0.5)) {
                self.world.cover("search launched twice");
                self.start(tenant, id);
            }
            Ok(())
        };
        self.world.call("launcher.launch", effect).await
    }
}
