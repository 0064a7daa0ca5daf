//! The stream in Kinesis.

use std::collections::BTreeMap;
use std::time::Duration;

use aws_sdk_kinesis::types::{ScalingType, StreamStatus};
use bytes::Bytes;
use trawl_event::BatchId;
use trawl_store::aws::{AwsStream, Clients};
use trawl_store::conformance;
use trawl_store::conformance::stream::{read_all, record};
use trawl_store::ports::{NewRecord, StoreError, Stream};

use crate::{endpoints, fresh};

async fn make(clients: &Clients, shards: i32) -> (AwsStream, String) {
    let name = fresh("stream");
    clients.kinesis.create_stream().stream_name(&name).shard_count(shards).send().await.unwrap();
    active(clients, &name).await;
    (AwsStream::new(clients.kinesis.clone(), &name), name)
}

/// Waits until a stream takes records again.
async fn active(clients: &Clients, name: &str) {
    for _ in 0..600 {
        let summary = clients.kinesis.describe_stream_summary().stream_name(name).send().await;
        let status = summary.ok().and_then(|summary| Some(summary.stream_description_summary?.stream_status));
        if status == Some(StreamStatus::Active) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("stream {name} did not become active within 30 s");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs an endpoint: make aws-test"]
async fn kinesis_behaves_as_a_stream() {
    for (name, clients) in endpoints("TRAWL_TEST_KINESIS").await {
        eprintln!("Kinesis of {name}");
        conformance::stream(async || make(&clients, 2).await.0).await;
    }
}

#[tokio::test]
#[ignore = "needs an endpoint: make aws-test"]
async fn a_record_that_kinesis_does_not_take_is_refused_for_good() {
    for (name, clients) in endpoints("TRAWL_TEST_KINESIS").await {
        let (stream, _) = make(&clients, 1).await;
        for bytes in [0, 1 << 20] {
            let record = NewRecord { batch: BatchId(1), data: Bytes::from(vec![7; bytes]) };
            let refused = stream.append(record).await;
            assert!(matches!(refused, Err(StoreError::Permanent(_))), "{name}: {bytes} bytes: {refused:?}");
        }
        let largest = NewRecord { batch: BatchId(1), data: Bytes::from(vec![7; (1 << 20) - 1]) };
        stream.append(largest).await.unwrap();
    }
}

/// Splits and merges between records: each comes out once, where its append said.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs an endpoint: make aws-test"]
async fn records_survive_resharding() {
    for (name, clients) in endpoints("TRAWL_TEST_KINESIS").await {
        if name != "kinesis-local" {
            continue; // the others take records into closed shards, or forget which are closed
        }
        let (stream, stream_name) = make(&clients, 2).await;
        let mut appended = BTreeMap::new();
        let mut number = 0u128;
        for shards in [2, 3, 6, 4, 2] {
            let ends_before = stream.shards().await.unwrap();
            if shards != 2 {
                let change = clients.kinesis.update_shard_count().stream_name(&stream_name).target_shard_count(shards);
                change.scaling_type(ScalingType::UniformScaling).send().await.unwrap();
                active(&clients, &stream_name).await;
            }
            // A caller that listed the shards before still gets an end for each.
            for shard in &ends_before {
                stream.end(shard).await.unwrap();
            }
            for _ in 0..40 {
                number += 1;
                let place = stream.append(record(number, format!("record {number}"))).await.unwrap();
                assert!(stream.shards().await.unwrap().contains(&place.0));
                assert!(stream.end(&place.0).await.unwrap() >= place.1);
                appended.insert(place, format!("record {number}"));
            }
        }
        let mut found = BTreeMap::new();
        for (shard, records) in read_all(&stream, 500).await {
            let end = stream.end(&shard).await.unwrap();
            assert!(records.iter().all(|record| record.position <= end), "{name}");
            for record in records {
                found.insert((shard.clone(), record.position), String::from_utf8(record.data.to_vec()).unwrap());
            }
        }
        assert_eq!(found, appended, "{name}");
        assert!(stream.shards().await.unwrap().len() > 6, "closed shards are listed too");
    }
}
