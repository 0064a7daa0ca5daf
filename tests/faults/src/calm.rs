//! A deployment without faults, driven step by step: for scenarios of one guarantee each.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode};
use ingest::IDEMPOTENCY_KEY;
use serde_json::{Value, json};
use trawl_api::search::{Aggregates, SearchAnswer, Status};
use trawl_event::TenantId;
use trawl_store::ports::{Catalog, Record, ShardId, Stream};

use crate::faults::Rates;
use crate::scenario::START;
use crate::stages::{Setup, Stages, Stores};
use crate::world::World;

/// A deployment at the caller's hands. Its methods panic where a healthy deployment would not answer so.
pub struct Calm {
    /// Its stages.
    pub stages: Stages,
    setup: Setup,
}

/// What a search gave, all pages one after the other.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    /// How it ended.
    pub status: Status,
    /// Its events.
    pub events: Vec<String>,
    /// Its table.
    pub aggregates: Option<Aggregates>,
    /// What is missing.
    pub missing: Vec<String>,
}

/// Runs a script over a fresh deployment.
pub fn run<F>(setup: Setup, script: impl FnOnce(Calm) -> F)
where
    F: Future<Output = ()> + Send + 'static,
{
    let world = World::new(0, START, Rates::none());
    let Ok(stores) = Stores::new(&world, setup.shards) else { panic!("a stream needs a shard") };
    let stages = Stages::new(world.clone(), stores, &setup);
    assert!(world.run(script(Calm { stages, setup })), "the script waits for ever");
}

impl Calm {
    /// The same stores after the loss of every process.
    pub fn restarted(self) -> Self {
        let Stages { world, stores, .. } = self.stages;
        Self { stages: Stages::new(world, stores, &self.setup), setup: self.setup }
    }

    /// `POST /v1/events`, with an `Idempotency-Key` or without.
    pub async fn post(&self, tenant: &TenantId, key: Option<&str>, body: impl Into<Bytes>) -> Response<Bytes> {
        let mut headers = HeaderMap::new();
        if let Some(key) = key.and_then(|key| HeaderValue::from_str(key).ok()) {
            headers.insert(HeaderName::from_static(IDEMPOTENCY_KEY), key);
        }
        self.stages.ingest.handle(tenant, &headers, body.into()).await
    }

    /// A request that must be acknowledged; gives how many events were accepted.
    pub async fn push(&self, tenant: &TenantId, key: Option<&str>, body: impl Into<Bytes>) -> u64 {
        let answer = self.post(tenant, key, body).await;
        assert_eq!(answer.status(), StatusCode::ACCEPTED, "{:?}", answer.body());
        json_of(&answer)["accepted"].as_u64().unwrap_or_default()
    }

    /// A request to the coordinator.
    pub async fn call(
        &self,
        tenant: &TenantId,
        method: Method,
        path: &str,
        query: &str,
        body: &str,
    ) -> Response<Bytes> {
        self.stages.coordinator.handle(tenant, &method, path, query, body.as_bytes()).await
    }

    /// Creates a search; gives its path.
    pub async fn create(&self, tenant: &TenantId, request: Value) -> String {
        let created = self.call(tenant, Method::POST, "/v1/searches", "", &request.to_string()).await;
        assert_eq!(created.status(), StatusCode::ACCEPTED, "{:?}", created.body());
        format!("/v1/searches/{}", json_of(&created)["id"].as_str().unwrap_or_default())
    }

    /// Creates a search and reads it to its end.
    pub async fn search(&self, tenant: &TenantId, request: Value) -> Found {
        let path = self.create(tenant, request).await;
        self.read(tenant, &path).await
    }

    /// Reads a search from its first page to its end.
    pub async fn read(&self, tenant: &TenantId, path: &str) -> Found {
        let mut query = "wait=20s".to_owned();
        let mut events = Vec::new();
        loop {
            let answer = self.call(tenant, Method::GET, path, &query, "").await;
            let Ok(page) = serde_json::from_slice::<SearchAnswer>(answer.body()) else {
                panic!("not a page: {:?}", answer.body())
            };
            events.extend(page.events.iter().map(|event| event.get().to_owned()));
            let Some(cursor) = page.next_cursor else {
                let SearchAnswer { status, aggregates, missing, .. } = page;
                return Found { status, events, aggregates, missing };
            };
            query = format!("wait=20s&cursor={cursor}");
        }
    }

    /// Every event of a tenant, oldest first; the search must be complete.
    pub async fn all(&self, tenant: &TenantId) -> Vec<String> {
        let found = self.search(tenant, json!({"query": "*", "order": "asc", "limit": 100_000})).await;
        assert_eq!(found.status, Status::Complete, "{found:?}");
        found.events
    }

    /// How many events of a tenant are counted.
    pub async fn count(&self, tenant: &TenantId) -> u64 {
        let found = self.search(tenant, json!({"query": "* | stats count()"})).await;
        assert_eq!(found.status, Status::Complete, "{found:?}");
        let rows = found.aggregates.unwrap_or_default().rows;
        rows.first().and_then(|row| row.first()).and_then(Value::as_u64).unwrap_or_default()
    }

    /// The records of a shard that are in no segment.
    pub async fn tail(&self, shard: &ShardId) -> Vec<Record> {
        let checkpoint = self.stages.stores.catalog.checkpoint(shard).await.unwrap_or_default();
        self.stages.stores.stream.read(shard, checkpoint, usize::MAX).await.unwrap_or_default()
    }

    /// The shards.
    pub async fn shards(&self) -> Vec<ShardId> {
        self.stages.stores.stream.shards().await.unwrap_or_default()
    }

    /// Persists everything.
    pub async fn persist(&self) {
        for shard in self.shards().await {
            let records = self.tail(&shard).await;
            let persisted = self.stages.persister.persist(&shard, &records).await;
            assert!(persisted.is_ok(), "{persisted:?}");
        }
    }

    /// Compacts by force; gives how many segments were merged away.
    pub async fn compact(&self) -> usize {
        match self.stages.compactor.run(true).await {
            Ok(done) => done.merged,
            Err(error) => panic!("{error}"),
        }
    }
}

/// The JSON of an answer; null if it has none.
pub fn json_of(answer: &Response<Bytes>) -> Value {
    serde_json::from_slice(answer.body()).unwrap_or_default()
}

/// The stable name of the error that an answer brings.
pub fn error_code(answer: &Response<Bytes>) -> String {
    json_of(answer)["error"]["code"].as_str().unwrap_or_default().to_owned()
}
