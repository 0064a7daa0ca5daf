//! Catalog and searches in DynamoDB.

use std::path::Path;
use std::sync::Arc;

use aws_sdk_dynamodb::types::AttributeValue;
use bytes::Bytes;
use trawl_event::{TenantId, Timestamp};
use trawl_store::aws::schema::create_table;
use trawl_store::aws::{AwsCatalog, AwsSearches, CatalogSettings, Clients};
use trawl_store::conformance;
use trawl_store::conformance::catalog::{first_commit, shard, stream_segment};
use trawl_store::local::LocalObjects;
use trawl_store::ports::{
    Catalog, Commit, CommitOutcome, Origin, Position, Replacement, SearchId, Searches, SegmentKey, SegmentRow,
};

use crate::{endpoints, fresh};

async fn table(clients: &Clients) -> String {
    let name = fresh("table");
    create_table(&clients.dynamodb, &name).await.unwrap();
    name
}

async fn catalog(clients: &Clients) -> AwsCatalog {
    AwsCatalog::new(clients.dynamodb.clone(), table(clients).await, CatalogSettings::default())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs an endpoint: make aws-test"]
async fn dynamodb_behaves_as_a_catalog() {
    for (name, clients) in endpoints("TRAWL_TEST_DYNAMODB").await {
        eprintln!("DynamoDB of {name}");
        conformance::catalog(async || catalog(&clients).await).await;
    }
}

fn objects(dir: &Path) -> Arc<LocalObjects> {
    Arc::new(LocalObjects::open(&dir.join(fresh("objects"))).unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs an endpoint: make aws-test"]
async fn dynamodb_behaves_as_a_search_store() {
    let dir = tempfile::tempdir().unwrap();
    for (name, clients) in endpoints("TRAWL_TEST_DYNAMODB").await {
        eprintln!("DynamoDB of {name}");
        conformance::searches(async || {
            AwsSearches::new(clients.dynamodb.clone(), table(&clients).await, objects(dir.path()))
        })
        .await;
    }
}

/// `rows` segments on as many days as there are rows, all of one commit.
fn many(rows: i64, after: u64, upto: u64) -> Vec<SegmentRow> {
    let origin = Origin::Stream { shard: shard(), after: Position::of(after), upto: Position::of(upto) };
    let row = |number: i64| {
        let time = Timestamp(number * trawl_event::timestamp::NS_PER_DAY / 3);
        let template = stream_segment(after, upto);
        let key = SegmentKey::new(&template.tenant, time.day(), time, time, (upto as u128) << 64 | number as u128);
        SegmentRow { key, day: time.day(), first: time, last: time, origin: origin.clone(), ..template }
    };
    (0..rows).map(row).collect()
}

async fn everything(catalog: &AwsCatalog) -> Vec<SegmentRow> {
    let tenant: TenantId = "t".parse().unwrap();
    catalog.snapshot(&tenant, Timestamp::MIN, Timestamp::MAX).await.unwrap().segments
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs an endpoint: make aws-test"]
async fn a_commit_of_more_rows_than_a_transaction_takes_is_one() {
    for (name, clients) in endpoints("TRAWL_TEST_DYNAMODB").await {
        let catalog = catalog(&clients).await;
        let rows = many(250, 0, 7);
        let commit = first_commit(7, rows.clone());
        assert_eq!(catalog.commit(commit.clone()).await, Ok(CommitOutcome::Committed), "{name}");
        assert_eq!(catalog.commit(commit).await, Ok(CommitOutcome::Conflict), "{name}: an answer that was lost");
        assert_eq!(everything(&catalog).await.len(), 250, "{name}");
        assert_eq!(catalog.totals(&"t".parse().unwrap()).await.unwrap().segments, 250);
        let retire: Vec<SegmentKey> = rows[..2].iter().map(|row| row.key.clone()).collect();
        let replacement = Replacement { retire, add: vec![], at: Timestamp(9) };
        assert_eq!(catalog.replace(replacement).await, Ok(CommitOutcome::Committed), "{name}: staged rows are live");
        assert_eq!(catalog.live().await.unwrap().len(), 248, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs an endpoint: make aws-test"]
async fn rows_staged_by_a_run_that_lost_never_count() {
    for (name, clients) in endpoints("TRAWL_TEST_DYNAMODB").await {
        let catalog = catalog(&clients).await;
        // One run stages its rows and finds that the checkpoint has moved; another got further than it.
        let winner = first_commit(9, vec![stream_segment(0, 9)]);
        catalog.commit(winner).await.unwrap();
        let loser = first_commit(7, many(150, 0, 7));
        assert_eq!(catalog.commit(loser).await, Ok(CommitOutcome::Conflict), "{name}");
        assert_eq!(everything(&catalog).await, [stream_segment(0, 9)], "{name}");
        assert_eq!(catalog.live().await, Ok(vec![stream_segment(0, 9)]), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs an endpoint: make aws-test"]
async fn ninety_rows_are_replaced_at_once_and_more_are_refused() {
    for (name, clients) in endpoints("TRAWL_TEST_DYNAMODB").await {
        let catalog = catalog(&clients).await;
        let mut keys = Vec::new();
        for number in 1..=91u64 {
            let expected = Position::of(number - 1);
            let row = stream_segment(number - 1, number);
            keys.push(row.key.clone());
            catalog.commit(Commit { expected, ..first_commit(number, vec![row]) }).await.unwrap();
        }
        let merged = SegmentRow { origin: Origin::Compaction, events: 90, ..stream_segment(0, 500) };
        let replacement = |retire: &[SegmentKey]| Replacement {
            retire: retire.to_vec(),
            add: vec![merged.clone()],
            at: Timestamp(1000),
        };
        let refused = catalog.replace(replacement(&keys)).await.unwrap_err();
        assert!(!refused.is_retryable() && refused.to_string().contains("at most 90"), "{name}: {refused}");
        assert_eq!(catalog.replace(replacement(&keys[..90])).await, Ok(CommitOutcome::Committed), "{name}");
        assert_eq!(everything(&catalog).await.iter().map(|row| row.events).sum::<u64>(), 91, "{name}");
        assert_eq!(catalog.retired().await.unwrap().len(), 90, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs an endpoint: make aws-test"]
async fn a_state_larger_than_an_item_goes_through_an_object() {
    let dir = tempfile::tempdir().unwrap();
    for (name, clients) in endpoints("TRAWL_TEST_DYNAMODB").await {
        let (table, objects) = (table(&clients).await, objects(dir.path()));
        let searches = AwsSearches::new(clients.dynamodb.clone(), &table, objects.clone());
        let (tenant, id) = (TenantId::default_tenant(), SearchId(7));
        // Nothing that compresses.
        let mut seed = 1u64;
        let mut noise = |bytes: usize| {
            let mut next = || {
                seed ^= seed << 13;
                seed ^= seed >> 7;
                seed ^= seed << 17;
                seed as u8
            };
            (0..bytes).map(|_| next()).collect::<Vec<u8>>()
        };
        let (first, second) = (Bytes::from(noise(1_000_000)), Bytes::from(noise(2_000_000)));
        let one = searches.put_state(&tenant, id, None, first.clone(), Timestamp(5)).await.unwrap().unwrap();
        assert_eq!(searches.state(&tenant, id).await.unwrap(), Some((one, first)), "{name}");
        let two = searches.put_state(&tenant, id, Some(one), second.clone(), Timestamp(5)).await.unwrap().unwrap();
        assert_eq!(searches.put_state(&tenant, id, Some(one), noise(900_000).into(), Timestamp(5)).await, Ok(None));
        assert_eq!(searches.state(&tenant, id).await.unwrap(), Some((two, second)), "{name}");
        let listed = trawl_store::ports::Objects::list(&*objects, "searches/").await.unwrap();
        assert_eq!(listed.len(), 1, "{name}: superseded bodies go");
        searches.remove_expired(Timestamp(6)).await.unwrap();
        assert_eq!(trawl_store::ports::Objects::list(&*objects, "searches/").await.unwrap(), [], "{name}");
        let left = clients.dynamodb.scan().table_name(&table).send().await.unwrap().items.unwrap_or_default();
        assert!(
            left.is_empty(),
            "{name}: {:?}",
            left.iter().map(|item| item.get("pk").map(AttributeValue::as_s)).collect::<Vec<_>>()
        );
    }
}
