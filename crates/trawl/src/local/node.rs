//! The stages over the embedded adapters, and the threads that drive them.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use compactor::Compactor;
use coordinator::Coordinator;
use ingest::Ingest;
use persister::Persister;
use scan_worker::ScanWorker;
use serde::Serialize;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use trawl_event::TenantId;
use trawl_segment::WriteOptions;
use trawl_store::local::LocalDocuments;
use trawl_store::local::catalog::LocalCatalog;
use trawl_store::local::objects::LocalObjects;
use trawl_store::local::searches::LocalSearches;
use trawl_store::local::stream::{LocalStream, StreamOptions};
use trawl_store::local::workers::{LocalWorkers, blocking};
use trawl_store::ports::{Launcher, Objects, Result, ScanResult, ScanTask, SearchId, StoreError, Stream, Workers};

use super::access::{self, Access, AccessArgs, Admit};
use super::flush::{self, Flusher};
use super::housekeeping::{self, Housekeeper};
use super::server;
use trawl_store::local::System;

/// How a node is set up.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Shards of the stream.
    pub shards: u16,
    /// Events older than this are refused.
    pub max_event_age: Option<Duration>,
    /// What has waited in the stream this long is persisted.
    pub flush_age: Duration,
    /// Raw bytes per shard that are persisted earlier.
    pub flush_bytes: u64,
    /// Events older than this are removed.
    pub retention: Option<Duration>,
    /// How long objects of segments that were replaced stay: longer than the longest search.
    pub grace: Duration,
    /// The pause from one compaction to the next.
    pub compact_every: Duration,
    /// Where it is reached.
    pub address: SocketAddr,
    /// Who may use it.
    pub access: AccessArgs,
}

impl Settings {
    /// For a server that only this machine reaches: it keeps everything and asks for no key.
    pub fn on_loopback() -> Self {
        Self {
            shards: 1,
            max_event_age: None,
            flush_age: Duration::from_secs(10),
            flush_bytes: 16 << 20,
            retention: None,
            grace: compactor::Settings::default().grace,
            compact_every: Duration::from_secs(60),
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            access: AccessArgs::default(),
        }
    }
}

type Pool = Arc<dyn RunTask>;
type LocalCoordinator = Coordinator<(
    Arc<LocalStream>,
    Arc<LocalCatalog>,
    Arc<LocalSearches>,
    Arc<LocalDocuments>,
    ScanPool,
    Launches,
    System,
)>;

/// The persister of a node.
pub type LocalPersister = Persister<Arc<LocalCatalog>, Arc<LocalObjects>, System>;
/// The compactor of a node.
pub type LocalCompactor =
    Compactor<Arc<LocalStream>, Arc<LocalObjects>, Arc<LocalCatalog>, Arc<LocalSearches>, Arc<LocalDocuments>, System>;

/// A pool of scan workers, whatever closure it runs.
trait RunTask: Send + Sync {
    fn run(&self, task: ScanTask) -> std::pin::Pin<Box<dyn Future<Output = Result<ScanResult>> + Send + '_>>;
    fn parallelism(&self) -> usize;
}

impl<W: Workers> RunTask for W {
    fn run(&self, task: ScanTask) -> std::pin::Pin<Box<dyn Future<Output = Result<ScanResult>> + Send + '_>> {
        Box::pin(Workers::run(self, task))
    }

    fn parallelism(&self) -> usize {
        Workers::parallelism(self)
    }
}

/// Hands tasks to the node's scan workers.
pub struct ScanPool(Pool);

impl Workers for ScanPool {
    async fn run(&self, task: ScanTask) -> Result<ScanResult> {
        RunTask::run(&*self.0, task).await
    }

    fn parallelism(&self) -> usize {
        RunTask::parallelism(&*self.0)
    }
}

/// Starts runs of searches on the node's runtime.
pub struct Launches(mpsc::UnboundedSender<(TenantId, SearchId)>);

impl Launcher for Launches {
    async fn launch(&self, tenant: &TenantId, id: SearchId) -> Result<()> {
        let stopped = |_| StoreError::Transient("the server is stopping".into());
        self.0.send((tenant.clone(), id)).map_err(stopped)
    }
}

/// The stages that answer requests.
pub struct Stages {
    /// Takes events in.
    pub ingest: Ingest<Arc<LocalStream>, System, Admit>,
    /// Searches.
    pub coordinator: LocalCoordinator,
    /// Who may do what.
    pub access: Arc<Access>,
    flusher: Flusher,
    housekeeper: Housekeeper,
}

/// What `POST /v1/admin/compact` did.
#[derive(Debug, Serialize)]
pub struct CompactAnswer {
    /// Events that were moved from the stream into segments.
    pub persisted_events: u64,
    /// Segments that were merged away.
    pub merged_segments: usize,
    /// Segments that took their place.
    pub written_segments: usize,
}

impl Stages {
    /// Persists the tail and compacts; returns when both are done.
    pub async fn compact(&self) -> anyhow::Result<CompactAnswer> {
        let persisted_events = self.flusher.flush().await?;
        let done = self.housekeeper.compact().await?;
        Ok(CompactAnswer { persisted_events, merged_segments: done.merged, written_segments: done.written })
    }
}

/// A running node.
pub struct Node {
    stages: Arc<Stages>,
    launcher: JoinHandle<()>,
    stop: watch::Sender<bool>,
    drivers: Vec<std::thread::JoinHandle<()>>,
}

impl Node {
    /// Opens the data in `dir` and starts the threads that work on it. Needs a tokio runtime around it.
    pub async fn open(dir: &Path, settings: &Settings) -> anyhow::Result<Self> {
        Self::open_scanning(dir, settings, |objects| objects).await
    }

    /// As [`Self::open`], with scan workers that read the objects through what `scanned` makes of them.
    pub async fn open_scanning<O: Objects + 'static>(
        dir: &Path,
        settings: &Settings,
        scanned: impl FnOnce(Arc<LocalObjects>) -> O,
    ) -> anyhow::Result<Self> {
        let options = StreamOptions { shards: settings.shards, ..StreamOptions::default() };
        let stream = Arc::new(LocalStream::open(&dir.join("stream"), options, System)?);
        let objects = Arc::new(LocalObjects::open(&dir.join("objects"))?);
        let catalog = Arc::new(LocalCatalog::open(&dir.join("catalog.sqlite"))?);
        let searches = Arc::new(LocalSearches::open(&dir.join("searches.sqlite"))?);
        let documents = Arc::new(access::documents(dir)?);
        let access = Arc::new(Access::new(&documents, dir, settings.address, &settings.access)?);

        let worker = Arc::new(ScanWorker::new(stream.clone(), scanned(objects.clone()), catalog.clone(), System));
        let scan = blocking(move |task: ScanTask, stop| {
            let worker = worker.clone();
            async move { Ok(worker.run_until(&task, &stop).await?) }
        });
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let workers: Pool = Arc::new(LocalWorkers::new(cores, scan)?);
        let (launches, launched) = mpsc::unbounded_channel();
        let coordinator = LocalCoordinator::new(
            stream.clone(),
            catalog.clone(),
            searches.clone(),
            documents.clone(),
            ScanPool(workers),
            Launches(launches),
            System,
        );
        let ingest = Ingest::new(stream.clone(), System, ingest::Settings { max_event_age: settings.max_event_age });
        let ingest = ingest.within(Admit(access.clone()));

        let (stop, stopped) = watch::channel(false);
        let persister = || Persister::new(catalog.clone(), objects.clone(), System, WriteOptions::default());
        let shards = stream.shards().await?;
        let mut drivers = Vec::new();
        let flusher = flush::start(&stream, &catalog, &shards, persister, settings, &stopped, &mut drivers)?;
        let compactor = Compactor::new(
            stream.clone(),
            objects.clone(),
            catalog.clone(),
            searches.clone(),
            documents.clone(),
            System,
            compactor::Settings {
                retention: settings.retention,
                grace: settings.grace,
                ..compactor::Settings::default()
            },
        );
        let housekeeper = housekeeping::start(compactor, settings.compact_every, &stopped, &mut drivers)?;
        let stages = Arc::new(Stages { ingest, coordinator, access, flusher, housekeeper });
        let launcher = tokio::spawn(launch(stages.clone(), launched));
        Ok(Self { stages, launcher, stop, drivers })
    }

    /// Says how to make a key where one is needed and there is none.
    pub async fn warn_without_keys(&self, dir: &Path) {
        if self.stages.access.needs_a_first_key().await {
            let dir = dir.display();
            tracing::warn!(
                "there is no API key yet: trawl key create --data {dir} --name NAME --scope ingest --scope search"
            );
        }
    }

    /// The HTTP routes.
    pub fn router(&self) -> Router {
        server::router(self.stages.clone())
    }

    /// Ends the threads after what they are doing right now. Nothing is lost: the tail stays in the stream.
    pub async fn close(self) {
        self.launcher.abort();
        self.stop.send_replace(true);
        let drivers = self.drivers;
        let join = tokio::task::spawn_blocking(move || {
            for driver in drivers {
                if driver.join().is_err() {
                    tracing::error!("a background thread panicked");
                }
            }
        });
        if let Err(error) = join.await {
            tracing::error!(%error, "background threads did not end");
        }
    }
}

/// Runs every search that is launched, each as a task of its own.
async fn launch(stages: Arc<Stages>, mut launched: mpsc::UnboundedReceiver<(TenantId, SearchId)>) {
    while let Some((tenant, id)) = launched.recv().await {
        let stages = stages.clone();
        tokio::spawn(async move {
            if let Err(error) = stages.coordinator.run(&tenant, id, None).await {
                tracing::error!(%id, %error, "the run of a search ended without an outcome");
            }
        });
    }
}
