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
use crate::memory::{MemoryCatalog, MemoryObjects, MemorySearches, MemoryStream};
use crate::workers::{SimLauncher, SimWorkers};
use crate::world::World;

type SimStream = Faulty<MemoryStream>;
type SimObjects = Faulty<MemoryObjects>;
type SimCatalog = Faulty<MemoryCatalog>;
type SimSearches = Faulty<MemorySearches>;

/// The ingest stage of a simulation.
pub type SimIngest = Ingest<SimStream, World>;
/// The persister of a simulation.
pub type SimPersister = Persister<SimCatalog, SimObjects, World>;
/// The coordinator of a simulation.
pub type SimCoordinator = Coordinator<SimStream, SimCatalog, SimSearches, SimWorkers, SimLauncher, World>;
/// The compactor of a simulation.
pub type SimCompactor = Compactor<SimStream, SimObjects, SimCatalog, SimSearches, World>;

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

/// A deployment: the stores as they are, and the stages that see them through faults.
pub struct Stages {
    /// The world they run in.
    pub world: World,
    /// The stream itself.
    pub stream: Arc<MemoryStream>,
    /// The objects themselves.
    pub objects: Arc<MemoryObjects>,
    /// The catalog itself.
    pub catalog: Arc<MemoryCatalog>,
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
    /// A fresh deployment.
    ///
    /// # Errors
    /// `Permanent` without shards.
    pub fn new(world: World, setup: &Setup) -> Result<Self> {
        let stream = Arc::new(MemoryStream::new(setup.shards, world.time())?);
        let objects = Arc::new(MemoryObjects::new(world.time()));
        let catalog = Arc::new(MemoryCatalog::default());
        let sim_stream = Faulty::new(stream.clone(), world.clone(), setup.plant);
        let sim_objects = Faulty::new(objects.clone(), world.clone(), setup.plant);
        let sim_catalog = Faulty::new(catalog.clone(), world.clone(), setup.plant);
        let sim_searches = Faulty::new(Arc::new(MemorySearches::default()), world.clone(), setup.plant);
        let worker = ScanWorker::new(sim_stream.clone(), sim_objects.clone(), sim_catalog.clone(), world.clone());
        let worker = Arc::new(worker);
        let workers = SimWorkers::new(world.clone(), move |task: ScanTask| {
            let worker = worker.clone();
            async move { Ok(worker.run(&task).await?) }
        });
        let launcher = SimLauncher::new(world.clone());
        let coordinator = Arc::new(Coordinator::new(
            sim_stream.clone(),
            sim_catalog.clone(),
            sim_searches.clone(),
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
        Ok(Self {
            ingest: Ingest::new(
                sim_stream.clone(),
                world.clone(),
                ingest::Settings { max_event_age: setup.max_event_age },
            ),
            persister: Persister::new(sim_catalog.clone(), sim_objects.clone(), world.clone(), options),
            compactor: Compactor::new(
                sim_stream,
                sim_objects,
                sim_catalog,
                sim_searches,
                world.clone(),
                compactor_settings,
            ),
            coordinator,
            stream,
            objects,
            catalog,
            world,
        })
    }
}
