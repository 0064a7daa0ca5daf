//! Objects in S3.

use bytes::Bytes;
use trawl_store::aws::{AwsObjects, Clients};
use trawl_store::conformance;
use trawl_store::ports::Objects;

use crate::{endpoints, fresh};

async fn bucket(clients: &Clients) -> AwsObjects {
    let name = fresh("objects");
    clients.s3.create_bucket().bucket(&name).send().await.unwrap();
    AwsObjects::new(clients.s3.clone(), name)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs an endpoint: make aws-test"]
async fn s3_behaves_as_an_object_store() {
    for (name, clients) in endpoints("TRAWL_TEST_S3").await {
        eprintln!("S3 of {name}");
        conformance::objects(async || bucket(&clients).await).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs an endpoint: make aws-test"]
async fn a_large_object_is_read_in_parts() {
    for (name, clients) in endpoints("TRAWL_TEST_S3").await {
        let objects = bucket(&clients).await;
        let body: Bytes = (0..20_000_003u32).map(|number| (number % 251) as u8).collect::<Vec<u8>>().into();
        objects.put("large", body.clone()).await.unwrap();
        assert!(objects.get("large").await.unwrap() == Some(body.clone()), "{name}");
        let ranges: Vec<_> = (0..100u64).map(|part| part * 200_000..part * 200_000 + 7).collect();
        let read = objects.get_ranges("large", &ranges).await.unwrap().unwrap();
        for (range, bytes) in ranges.iter().zip(read) {
            assert_eq!(bytes, body.slice(range.start as usize..range.end as usize), "{name}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs an endpoint: make aws-test"]
async fn a_listing_goes_on_past_a_thousand_objects() {
    for (name, clients) in endpoints("TRAWL_TEST_S3").await {
        let objects = bucket(&clients).await;
        let keys: Vec<String> = (0..1101).map(|number| format!("many/{number:05}")).collect();
        for key in &keys {
            objects.put(key, Bytes::from_static(b"x")).await.unwrap();
        }
        let listed: Vec<String> = objects.list("many/").await.unwrap().into_iter().map(|object| object.key).collect();
        assert_eq!(listed, keys, "{name}");
    }
}

#[tokio::test]
#[ignore = "needs an endpoint: make aws-test"]
async fn a_bucket_that_is_not_there_is_an_error_for_good() {
    for (name, clients) in endpoints("TRAWL_TEST_S3").await {
        let objects = AwsObjects::new(clients.s3.clone(), "no-such-bucket-anywhere");
        let refused = objects.put("k", Bytes::new()).await.unwrap_err();
        assert!(!refused.is_retryable() && refused.to_string().contains("no-such-bucket"), "{name}: {refused}");
        assert!(objects.get("k").await.is_err(), "{name}: a missing bucket is no missing object");
    }
}
