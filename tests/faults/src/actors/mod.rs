//! Who does things in the world: clients, the stream's deliveries, the compactor's schedule, and bad luck.

pub mod client;
pub mod delivery;
pub mod searcher;
pub mod upkeep;
pub mod vandal;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::model::Model;
use crate::stages::Stages;

/// What actors share.
pub struct Env {
    /// The deployment.
    pub stages: Stages,
    model: Mutex<Model>,
    stopping: AtomicBool,
}

impl Env {
    /// Around a deployment.
    pub fn new(stages: Stages) -> Self {
        Self { stages, model: Mutex::default(), stopping: AtomicBool::new(false) }
    }

    /// The model.
    pub fn model(&self) -> MutexGuard<'_, Model> {
        self.model.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks the actors without an end of their own to end.
    pub fn stop(&self) {
        self.stopping.store(true, Ordering::Relaxed);
    }

    /// Whether they should.
    pub fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }
}
