//! The real stages over the faulty ports.

use std::sync::Arc;
use std::time::Duration;

use compactor::Compactor;
use coordinator::Coordinator;
use ingest::Ingest;
use persister::Persister;
use scan_worker::ScanWorker;
use trawl_segment::WriteOptions;
use trawl_store::ports::{Result, ScanTask};

use crate::faulty::{Faulty, Plant};
use crate::memory::{MemoryCatalog, MemoryDocuments, MemoryObjects, MemorySearches, MemoryStream};
use crate::workers::{SimLauncher, SimWorkers};
use crate::world::World;

/// The stream behind faults.
pub type SimStream = Faulty<MemoryStream>;
/// The objects behind faults.
pub type SimObjects = Faulty<MemoryObjects>;
/// The catalog behind faults.
pub type SimCatalog = Faulty<MemoryCatalog>;
/// The searches behind faults.
pub type SimSearches = Faulty<MemorySearches>;

/// The documents behind faults.
pub type SimDocuments = Faulty<MemoryDocuments>;

/// The ingest stage of a simulation.
pub type SimIngest = Ingest<SimStream, World>;
/// The scan worker of a simulation.
pub type SimScanWorker = ScanWorker<SimStream, SimObjects, SimCatalog, World>;
/// The persister of a simulation.
pub type SimPersister = Persister<SimCatalog, SimObjects, World>;
/// The coordinator of a simulation.
pub type SimCoordinator =
    Coordinator<(SimStream, SimCatalog, SimSearches, SimDocuments, SimWorkers, SimLauncher, World)>;
/// The compactor of a simulation.
pub type SimCompactor = Compactor<SimStream, SimObjects, SimCatalog, SimSearches, SimDocuments, World>;

/// How a simulated deployment is set up.
#[derive(Clone, Debug)]
pub struct Setup {
    /// Shards of the stream.
    pub shards: usize,
    /// Events older than this are refused.
    pub max_event_age: Option<Duration>,
    /// Most rows in a row group: few, so that small segments have several.
    pub row_group_rows: usize,
    /// Most attribute paths with a column of their own.
    pub columns_max: usize,
    /// Raw bytes that the compactor aims at.
    pub target_raw_bytes: u64,
    /// A bug to plant.
    pub plant: Option<Plant>,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            shards: 2,
            max_event_age: None,
            row_group_rows: 8,
            columns_max: 1000,
            target_raw_bytes: 1 << 20,
            plant: None,
        }
    }
}

/// What outlives every process.
#[derive(Clone)]
pub struct Stores {
    /// The stream.
    pub stream: Arc<MemoryStream>,
    /// The objects.
    pub objects: Arc<MemoryObjects>,
    /// The catalog.
    pub catalog: Arc<MemoryCatalog>,
    /// The searches.
    pub searches: Arc<MemorySearches>,
    /// The documents.
    pub documents: Arc<MemoryDocuments>,
}

impl Stores {
    /// Empty stores.
    ///
    /// # Errors
    /// `Permanent` without shards.
    pub fn new(world: &World, shards: usize) -> Result<Self> {
        Ok(Self {
            stream: Arc::new(MemoryStream::new(shards, world.time())?),
            objects: Arc::new(MemoryObjects::new(world.time())),
            catalog: Arc::default(),
            searches: Arc::default(),
            documents: Arc::default(),
        })
    }
}

/// A deployment: the stores as they are, and the stages that see them through faults.
pub struct Stages {
    /// The world they run in.
    pub world: World,
    /// The stores themselves.
    pub stores: Stores,
    /// The stream as the stages see it.
    pub stream: SimStream,
    /// The catalog as the stages see it.
    pub catalog: SimCatalog,
    /// Scans.
    pub worker: Arc<SimScanWorker>,
    /// Takes events in.
    pub ingest: SimIngest,
    /// Searches.
    pub coordinator: Arc<SimCoordinator>,
    /// Persists.
    pub persister: SimPersister,
    /// Compacts.
    pub compactor: SimCompactor,
}

impl Stages {
    /// The stages of a deployment over these stores, as after a start.
    pub fn new(world: World, stores: Stores, setup: &Setup) -> Self {
        let stream = Faulty::new(stores.stream.clone(), world.clone(), setup.plant);
        let objects = Faulty::new(stores.objects.clone(), world.clone(), setup.plant);
        let catalog = Faulty::new(stores.catalog.clone(), world.clone(), setup.plant);
        let searches = Faulty::new(stores.searches.clone(), world.clone(), setup.plant);
        let documents = Faulty::new(stores.documents.clone(), world.clone(), setup.plant);
        let worker = Arc::new(ScanWorker::new(stream.clone(), objects.clone(), catalog.clone(), world.clone()));
        let scan = worker.clone();
        let workers = SimWorkers::new(world.clone(), move |task: ScanTask| {
            let worker = scan.clone();
            async move { Ok(worker.run(&task).await?) }
        });
        let launcher = SimLauncher::new(world.clone(), stores.searches.clone());
        let coordinator = Arc::new(SimCoordinator::new(
            stream.clone(),
            catalog.clone(),
            searches.clone(),
            documents.clone(),
            workers,
            launcher.clone(),
            world.clone(),
        ));
        launcher.connect(&coordinator);
        let options = WriteOptions {
            row_group_rows: setup.row_group_rows,
            columns_max: setup.columns_max,
            ..WriteOptions::default()
        };
        let compactor_settings = compactor::Settings {
            options: options.clone(),
            target_raw_bytes: setup.target_raw_bytes,
            ..compactor::Settings::default()
        };
        let ingest_settings = ingest::Settings { max_event_age: setup.max_event_age };
        Self {
            ingest: Ingest::new(stream.clone(), world.clone(), ingest_settings),
            persister: Persister::new(catalog.clone(), objects.clone(), world.clone(), options),
            compactor: Compactor::new(
                stream.clone(),
                objects,
                catalog.clone(),
                searches,
                documents,
                world.clone(),
                compactor_settings,
            ),
            coordinator,
            worker,
            stream,
            catalog,
            stores,
            world,
        }
    }
}
