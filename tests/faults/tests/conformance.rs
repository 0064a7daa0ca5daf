//! The ports in memory behave as ports: what the simulation shows is about real behaviour.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::sync::Arc;
use std::sync::atomic::AtomicI64;

use trawl_event::Timestamp;
use trawl_faults::faults::Rates;
use trawl_faults::memory::{MemoryCatalog, MemoryDocuments, MemoryObjects, MemorySearches, MemoryStream};
use trawl_faults::workers::SimWorkers;
use trawl_faults::world::World;
use trawl_store::conformance;
use trawl_store::conformance::workers::{NUMBER_THAT_FAILS, NUMBER_THAT_PANICS};
use trawl_store::ports::{ScanResult, ScanTask, StoreError};

fn stream() -> MemoryStream {
    MemoryStream::new(3, Arc::new(AtomicI64::new(1))).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn memory_behaves_as_a_stream() {
    conformance::stream(async || stream()).await;
    conformance::stream_trim(async || stream(), async |stream: &MemoryStream, shard, upto| stream.trim(shard, upto))
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn memory_behaves_as_an_object_store() {
    conformance::objects(async || MemoryObjects::new(Arc::new(AtomicI64::new(1)))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn memory_behaves_as_a_catalog() {
    conformance::catalog(async || MemoryCatalog::default()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn memory_behaves_as_a_search_store() {
    conformance::searches(async || MemorySearches::default()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn memory_behaves_as_a_document_store() {
    conformance::documents(async || MemoryDocuments::default()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn simulated_workers_behave_as_workers() {
    conformance::workers(async || {
        SimWorkers::new(World::new(0, Timestamp(0), Rates::none()), |task: ScanTask| async move {
            match task.number {
                NUMBER_THAT_FAILS => Err(StoreError::Throttled("on purpose".into())),
                NUMBER_THAT_PANICS => panic!("on purpose"),
                number => Ok(ScanResult { events_matched: u64::from(number), ..ScanResult::default() }),
            }
        })
    })
    .await;
}
