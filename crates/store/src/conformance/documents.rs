//! What a document store does.

use std::sync::Arc;

use bytes::Bytes;
use trawl_event::{TenantId, Timestamp};

use super::{all_at_once, assert_permanent};
use crate::ports::documents::{MAX_DOCUMENT_BYTES, MAX_DOCUMENT_NAME_BYTES};
use crate::ports::{DocumentKey, Documents, Kind, Version};

/// Checks everything the port says.
pub async fn suite<D: Documents + 'static>(make: impl AsyncFn() -> D) {
    a_document_is_written_only_over_the_version_read(make().await).await;
    of_concurrent_writers_one_wins(make().await).await;
    kinds_tenants_and_names_are_apart(make().await).await;
    all_of_a_kind_are_listed(make().await).await;
    expired_documents_go(make().await).await;
    what_no_store_takes_is_refused(make().await).await;
}

const LATE: Timestamp = Timestamp::MAX;

fn tenant(name: &str) -> TenantId {
    name.parse().unwrap()
}

async fn put<D: Documents>(documents: &D, key: &DocumentKey, body: &'static str) -> Version {
    documents.put_document(key, None, Bytes::from(body), LATE).await.unwrap().unwrap()
}

async fn a_document_is_written_only_over_the_version_read<D: Documents>(documents: D) {
    let key = DocumentKey::of(&tenant("t"), Kind::Limits, "all");
    let put = async |expected: Option<Version>, body: &'static str| {
        documents.put_document(&key, expected, Bytes::from(body), LATE).await.unwrap()
    };
    assert_eq!(documents.document(&key).await, Ok(None));
    assert_eq!(put(Some(Version(1)), "early").await, None, "there is nothing to write over");
    let first = put(None, "first").await.unwrap();
    assert_eq!(put(None, "again").await, None, "it is there already");
    assert_eq!(documents.document(&key).await, Ok(Some((first, Bytes::from("first")))));
    let second = put(Some(first), "").await.unwrap();
    assert!(second > first);
    assert_eq!(put(Some(first), "late").await, None);
    assert_eq!(documents.document(&key).await, Ok(Some((second, Bytes::new()))));
}

async fn of_concurrent_writers_one_wins<D: Documents + 'static>(documents: D) {
    const WRITERS: u64 = 8;
    let documents = Arc::new(documents);
    let mut expected = None;
    for round in 0..5 {
        let writers = (0..WRITERS).map(|writer| {
            let (documents, body) = (documents.clone(), Bytes::from(format!("{round}/{writer}")));
            async move {
                let key = DocumentKey::of(&tenant("t"), Kind::Usage, "day");
                let written = documents.put_document(&key, expected, body.clone(), LATE).await.unwrap();
                written.map(|version| (version, body))
            }
        });
        let won: Vec<_> = all_at_once(writers).await.into_iter().flatten().collect();
        let [(version, body)] = &won[..] else { panic!("{} writers won round {round}", won.len()) };
        let key = DocumentKey::of(&tenant("t"), Kind::Usage, "day");
        assert_eq!(documents.document(&key).await, Ok(Some((*version, body.clone()))));
        expected = Some(*version);
    }
}

async fn kinds_tenants_and_names_are_apart<D: Documents>(documents: D) {
    let keys = [
        DocumentKey::of(&tenant("a"), Kind::Deletion, "x"),
        DocumentKey::of(&tenant("b"), Kind::Deletion, "x"),
        DocumentKey::of(&tenant("a"), Kind::Limits, "x"),
        DocumentKey::of(&tenant("a"), Kind::Deletion, "y"),
        // Names with what separates names elsewhere.
        DocumentKey::of(&tenant("a"), Kind::Deletion, "x#y"),
        DocumentKey::of(&tenant("a"), Kind::Deletion, "x/ü"),
        DocumentKey::api_key("x"),
    ];
    for (number, key) in keys.iter().enumerate() {
        assert_eq!(documents.document(key).await, Ok(None), "{key}");
        let body = Bytes::from(number.to_string());
        documents.put_document(key, None, body, LATE).await.unwrap().unwrap();
    }
    for (number, key) in keys.iter().enumerate() {
        let (_, body) = documents.document(key).await.unwrap().unwrap();
        assert_eq!(body, Bytes::from(number.to_string()), "{key}");
    }
}

async fn all_of_a_kind_are_listed<D: Documents>(documents: D) {
    let (a, ab) = (tenant("a"), tenant("a-b"));
    for key in [
        DocumentKey::of(&ab, Kind::Deletion, "1"),
        DocumentKey::of(&a, Kind::Deletion, "2"),
        DocumentKey::of(&a, Kind::Deletion, "1"),
        DocumentKey::of(&a, Kind::Limits, "1"),
        DocumentKey::api_key("k"),
    ] {
        put(&documents, &key, "body").await;
    }
    let listed = async |kind, tenant: Option<&TenantId>| -> Vec<String> {
        let found = documents.documents(kind, tenant).await.unwrap();
        assert!(found.iter().all(|document| document.body == "body" && document.version == Version(1)));
        found.iter().map(|document| document.key.to_string()).collect()
    };
    assert_eq!(listed(Kind::Deletion, Some(&a)).await, ["deletion/a/1", "deletion/a/2"]);
    assert_eq!(listed(Kind::Deletion, Some(&ab)).await, ["deletion/a-b/1"]);
    assert_eq!(listed(Kind::Deletion, None).await, ["deletion/a/1", "deletion/a/2", "deletion/a-b/1"]);
    assert_eq!(listed(Kind::Key, None).await, ["key//k"]);
    assert!(listed(Kind::Usage, None).await.is_empty());
    assert!(listed(Kind::Deletion, Some(&tenant("none"))).await.is_empty());
}

async fn expired_documents_go<D: Documents>(documents: D) {
    let key = |name: &str| DocumentKey::of(&tenant("t"), Kind::Usage, name);
    let at = |seconds: i64| Timestamp(seconds * 1_000_000_000);
    for (name, expires) in [("early", at(10)), ("at", at(20)), ("late", LATE)] {
        documents.put_document(&key(name), None, Bytes::new(), expires).await.unwrap().unwrap();
    }
    documents.remove_expired_documents(at(20)).await.unwrap();
    assert_eq!(documents.document(&key("early")).await, Ok(None));
    assert!(documents.document(&key("at")).await.unwrap().is_some());
    assert!(documents.document(&key("late")).await.unwrap().is_some());
}

async fn what_no_store_takes_is_refused<D: Documents>(documents: D) {
    let put = async |name: &str, bytes: usize| {
        let key = DocumentKey::of(&tenant("t"), Kind::Usage, name);
        documents.put_document(&key, None, Bytes::from(vec![b'x'; bytes]), LATE).await
    };
    for name in ["", "a\nb", &"n".repeat(MAX_DOCUMENT_NAME_BYTES + 1)] {
        assert_permanent(put(name, 1).await);
    }
    assert_permanent(put("large", MAX_DOCUMENT_BYTES + 1).await);
    assert!(put(&"n".repeat(MAX_DOCUMENT_NAME_BYTES), MAX_DOCUMENT_BYTES).await.unwrap().is_some());
}
