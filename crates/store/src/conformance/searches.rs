//! What a search store does.

use std::sync::Arc;

use bytes::Bytes;
use trawl_event::{TenantId, Timestamp};

use super::all_at_once;
use crate::ports::{SearchId, Searches, Version};

/// Checks everything the port says.
pub async fn suite<S: Searches + 'static>(make: impl AsyncFn() -> S) {
    a_state_is_written_only_over_the_version_read(make().await).await;
    of_concurrent_writers_one_wins(make().await).await;
    tenants_and_searches_are_apart(make().await).await;
    pages_come_back(make().await).await;
    expired_searches_go_with_their_pages(make().await).await;
}

const LATE: Timestamp = Timestamp::MAX;
const ID: SearchId = SearchId(u128::MAX - 1);

fn tenant(name: &str) -> TenantId {
    name.parse().unwrap()
}

async fn a_state_is_written_only_over_the_version_read<S: Searches>(searches: S) {
    let tenant = tenant("t");
    let put = async |expected: Option<Version>, state: &'static str| {
        searches.put_state(&tenant, ID, expected, Bytes::from(state), LATE).await.unwrap()
    };
    assert_eq!(searches.state(&tenant, ID).await, Ok(None));
    assert_eq!(put(Some(Version(1)), "early").await, None, "there is nothing to write over");
    assert_eq!(searches.state(&tenant, ID).await, Ok(None));
    let first = put(None, "first").await.unwrap();
    assert_eq!(put(None, "again").await, None, "it is there already");
    assert_eq!(searches.state(&tenant, ID).await, Ok(Some((first, Bytes::from("first")))));
    let second = put(Some(first), "second").await.unwrap();
    assert!(second > first);
    assert_eq!(put(Some(first), "late").await, None);
    assert_eq!(searches.state(&tenant, ID).await, Ok(Some((second, Bytes::from("second")))));
    let third = put(Some(second), "").await.unwrap();
    assert_eq!(searches.state(&tenant, ID).await, Ok(Some((third, Bytes::new()))));
}

async fn of_concurrent_writers_one_wins<S: Searches + 'static>(searches: S) {
    const WRITERS: u64 = 8;
    const ROUNDS: u64 = 5;
    let searches = Arc::new(searches);
    let mut expected = None;
    for round in 0..ROUNDS {
        let writers = (0..WRITERS).map(|writer| {
            let searches = searches.clone();
            let state = Bytes::from(format!("{round}/{writer}"));
            async move {
                let written = searches.put_state(&tenant("t"), ID, expected, state.clone(), LATE).await.unwrap();
                written.map(|version| (version, state))
            }
        });
        let won: Vec<_> = all_at_once(writers).await.into_iter().flatten().collect();
        assert_eq!(won.len(), 1);
        assert_eq!(searches.state(&tenant("t"), ID).await, Ok(Some(won[0].clone())));
        expected = Some(won[0].0);
    }
}

async fn tenants_and_searches_are_apart<S: Searches>(searches: S) {
    let (mine, other) = (tenant("mine"), tenant("other"));
    let version = searches.put_state(&mine, ID, None, Bytes::from("state"), LATE).await.unwrap().unwrap();
    searches.put_page(&mine, ID, 0, Bytes::from("page")).await.unwrap();
    for (tenant, id) in [(&other, ID), (&mine, SearchId(1))] {
        assert_eq!(searches.state(tenant, id).await, Ok(None));
        assert_eq!(searches.page(tenant, id, 0).await, Ok(None));
        assert_eq!(searches.put_state(tenant, id, Some(version), Bytes::new(), LATE).await, Ok(None));
    }
    searches.put_state(&other, ID, None, Bytes::from("theirs"), LATE).await.unwrap().unwrap();
    searches.put_page(&other, ID, 0, Bytes::from("their page")).await.unwrap();
    assert_eq!(searches.state(&mine, ID).await, Ok(Some((version, Bytes::from("state")))));
    assert_eq!(searches.page(&mine, ID, 0).await, Ok(Some(Bytes::from("page"))));
}

async fn pages_come_back<S: Searches>(searches: S) {
    let tenant = tenant("t");
    searches.put_state(&tenant, ID, None, Bytes::new(), LATE).await.unwrap().unwrap();
    let bodies = [Bytes::from(vec![1; 2_000_000]), Bytes::new(), Bytes::from("third")];
    for (page, body) in (0..).zip(&bodies) {
        for _ in 0..2 {
            searches.put_page(&tenant, ID, page, body.clone()).await.unwrap();
        }
    }
    for (page, body) in (0..).zip(bodies) {
        assert_eq!(searches.page(&tenant, ID, page).await, Ok(Some(body)));
    }
    assert_eq!(searches.page(&tenant, ID, 3).await, Ok(None));
    searches.put_page(&tenant, ID, 2, Bytes::from("written again")).await.unwrap();
    assert_eq!(searches.page(&tenant, ID, 2).await, Ok(Some(Bytes::from("written again"))));
}

async fn expired_searches_go_with_their_pages<S: Searches>(searches: S) {
    let tenant = tenant("t");
    let (short, long) = (SearchId(1), SearchId(2));
    for (id, expires) in [(short, Timestamp(100)), (long, Timestamp(100))] {
        searches.put_state(&tenant, id, None, Bytes::from("s"), expires).await.unwrap().unwrap();
        searches.put_page(&tenant, id, 0, Bytes::from("p")).await.unwrap();
    }
    let (version, _) = searches.state(&tenant, long).await.unwrap().unwrap();
    searches.put_state(&tenant, long, Some(version), Bytes::from("s"), Timestamp(200)).await.unwrap().unwrap();
    searches.remove_expired(Timestamp(100)).await.unwrap();
    assert!(searches.state(&tenant, short).await.unwrap().is_some(), "it expires at that time, not before");
    searches.remove_expired(Timestamp(101)).await.unwrap();
    assert_eq!(searches.state(&tenant, short).await, Ok(None));
    assert_eq!(searches.page(&tenant, short, 0).await, Ok(None));
    assert!(searches.state(&tenant, long).await.unwrap().is_some(), "each write sets when it expires");
    assert_eq!(searches.page(&tenant, long, 0).await, Ok(Some(Bytes::from("p"))));
}
