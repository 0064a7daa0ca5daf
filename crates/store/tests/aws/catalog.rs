//! Catalog and searches in DynamoDB.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use bytes::Bytes;
use trawl_event::{BatchId, TenantId, Timestamp};
use trawl_store::aws::schema::create_table;
use trawl_store::aws::{AwsCatalog, AwsDocuments, AwsSearches, CatalogSettings, Clients};
use trawl_store::conformance;
use trawl_store::conformance::catalog::{first_commit, shard, stream_segment};
use trawl_store::local::LocalObjects;
use trawl_store::ports::{
    Catalog, Claim, Commit, CommitOutcome, Origin, Position, Replacement, Retired, SearchId, Searches, SegmentKey,
    SegmentRow,
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

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs an endpoint: make aws-test"]
async fn dynamodb_behaves_as_a_document_store() {
    for (name, clients) in endpoints("TRAWL_TEST_DYNAMODB").await {
        eprintln!("DynamoDB of {name}");
        conformance::documents(async || AwsDocuments::new(clients.dynamodb.clone(), table(&clients).await)).await;
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

/// Runs that died staged rows of the very records that another run then commits, cut otherwise.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs an endpoint: make aws-test"]
async fn rows_staged_by_a_run_that_died_never_count() {
    for (name, clients) in endpoints("TRAWL_TEST_DYNAMODB").await {
        for committed in [3, 120] {
            let catalog = catalog(&clients).await;
            let died = Commit { expected: Position::of(99), ..first_commit(7, many(150, 0, 7)) };
            assert_eq!(catalog.commit(died.clone()).await, Ok(CommitOutcome::Conflict), "{name}");
            let rows = many(committed, 0, 7);
            assert_eq!(catalog.commit(first_commit(7, rows.clone())).await, Ok(CommitOutcome::Committed), "{name}");
            assert_eq!(everything(&catalog).await.len(), rows.len(), "{name}");
            // One that was only thought dead goes on.
            assert_eq!(catalog.commit(died).await, Ok(CommitOutcome::Conflict), "{name}");
            assert_eq!(everything(&catalog).await.len(), rows.len(), "{name}");
            let live = catalog.live().await.unwrap();
            let retire = live.iter().map(|row| row.key.clone()).take(2).collect();
            let replacement = Replacement { retire, add: vec![], at: Timestamp(9) };
            assert_eq!(catalog.replace(replacement).await, Ok(CommitOutcome::Committed), "{name}");
            let died = Commit { expected: Position::of(99), ..first_commit(7, many(150, 0, 7)) };
            assert_eq!(catalog.commit(died).await, Ok(CommitOutcome::Conflict), "{name}");
            assert_eq!(everything(&catalog).await.len(), rows.len() - 2, "{name}: what was retired stays so");
        }
    }
}

fn merged(number: u64, events: u64) -> SegmentRow {
    SegmentRow { origin: Origin::Compaction, events, ..stream_segment(0, number) }
}

/// A row that was replaced counts again for who does not meet its successor.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs an endpoint: make aws-test"]
async fn a_row_stays_as_long_as_one_that_it_replaced() {
    for (name, clients) in endpoints("TRAWL_TEST_DYNAMODB").await {
        let catalog = catalog(&clients).await;
        let row = stream_segment(0, 1);
        catalog.commit(first_commit(1, vec![row.clone()])).await.unwrap();
        // The clock of the second compactor is behind.
        let (once, twice) = (merged(2, 1), merged(3, 1));
        let first = Replacement { retire: vec![row.key.clone()], add: vec![once.clone()], at: Timestamp(50) };
        catalog.replace(first).await.unwrap();
        let second = Replacement { retire: vec![once.key.clone()], add: vec![twice.clone()], at: Timestamp(40) };
        catalog.replace(second).await.unwrap();
        let keys = |retired: Vec<Retired>| retired.into_iter().map(|retired| retired.key).collect::<Vec<_>>();
        catalog.forget(std::slice::from_ref(&once.key)).await.unwrap();
        assert_eq!(keys(catalog.retired().await.unwrap()), [once.key.clone(), row.key.clone()], "{name}");
        catalog.forget(&[once.key.clone(), row.key.clone()]).await.unwrap();
        assert_eq!(catalog.retired().await, Ok(vec![]), "{name}");
        // The last commit to the shard was of a row that is gone.
        assert_eq!(everything(&catalog).await, [twice], "{name}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs an endpoint: make aws-test"]
async fn a_snapshot_without_what_its_checkpoint_names_is_none() {
    for (name, clients) in endpoints("TRAWL_TEST_DYNAMODB").await {
        let table = table(&clients).await;
        let catalog = AwsCatalog::new(clients.dynamodb.clone(), &table, CatalogSettings::default());
        let row = stream_segment(0, 1);
        catalog.commit(first_commit(1, vec![row.clone()])).await.unwrap();
        catalog
            .commit(Commit { expected: Position::of(1), ..first_commit(2, vec![stream_segment(1, 2)]) })
            .await
            .unwrap();
        let mut of_day = clients.dynamodb.scan().table_name(&table).send().await.unwrap().items.unwrap();
        of_day.retain(|item| item.get("sk").is_some_and(|sk| sk.as_s().unwrap() == row.key.as_str()));
        let mut item = of_day.pop().unwrap();
        let hide = clients.dynamodb.delete_item().table_name(&table).key("pk", item["pk"].clone());
        hide.key("sk", item["sk"].clone()).send().await.unwrap();
        let tenant: TenantId = "t".parse().unwrap();
        let read = || catalog.snapshot(&tenant, Timestamp::MIN, Timestamp::MAX);
        let refused = read().await.unwrap_err();
        assert!(refused.is_retryable() && refused.to_string().contains("are not there"), "{name}: {refused}");
        // It becomes visible while a snapshot looks for it.
        let appear = async {
            tokio::time::sleep(Duration::from_millis(50)).await;
            let item = std::mem::take(&mut item);
            clients.dynamodb.put_item().table_name(&table).set_item(Some(item)).send().await.unwrap();
        };
        let (snapshot, ()) = tokio::join!(read(), appear);
        assert_eq!(snapshot.unwrap().segments.len(), 2, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs an endpoint: make aws-test"]
async fn a_batch_repeated_without_end_belongs_to_its_first_place() {
    for (name, clients) in endpoints("TRAWL_TEST_DYNAMODB").await {
        let catalog = catalog(&clients).await;
        let tenant: TenantId = "t".parse().unwrap();
        let claim = |number: u64| Claim {
            tenant: tenant.clone(),
            batch: BatchId(1),
            arrived: Timestamp(number as i64),
            shard: shard(),
            position: Position::of(number),
            ordinal: 0,
        };
        let answers = catalog.claim((1..=300).map(claim).collect()).await.unwrap();
        let earlier: Vec<usize> = answers.iter().map(Vec::len).collect();
        assert_eq!(earlier, (0..300).map(|number| number.min(256)).collect::<Vec<_>>(), "{name}");
        let again = catalog.claim(vec![claim(1), claim(2), claim(300)]).await.unwrap();
        assert_eq!(again.iter().map(Vec::len).collect::<Vec<_>>(), [0, 1, 256], "{name}");
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
        let (merged, merged_too) = (merged(500, 90), merged(501, 1));
        let replacement = |retire: &[SegmentKey]| Replacement {
            retire: retire.to_vec(),
            add: vec![merged.clone()],
            at: Timestamp(1000),
        };
        let refused = catalog.replace(replacement(&keys)).await.unwrap_err();
        assert!(!refused.is_retryable() && refused.to_string().contains("at most 90"), "{name}: {refused}");
        let two = Replacement { add: vec![merged.clone(), merged_too.clone()], ..replacement(&keys[..2]) };
        let refused = catalog.replace(two).await.unwrap_err();
        assert!(refused.to_string().contains("by one or none"), "{name}: {refused}");
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
