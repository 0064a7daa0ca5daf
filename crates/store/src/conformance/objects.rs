//! What an object store does.

use std::sync::Arc;

use bytes::Bytes;

use super::{all_at_once, assert_permanent};
use crate::ports::{Objects, Put};

/// Checks everything the port says.
pub async fn suite<O: Objects + 'static>(make: impl AsyncFn() -> O) {
    an_object_comes_back_as_it_was_put(make().await).await;
    a_conditional_put_never_replaces(make().await).await;
    of_concurrent_conditional_puts_one_wins_whole(make().await).await;
    ranges_come_back_in_the_order_asked(make().await).await;
    a_range_beyond_the_end_is_an_error(make().await).await;
    deleting_is_repeatable(make().await).await;
    a_listing_is_by_prefix_and_key(make().await).await;
    what_is_no_key_is_an_error_everywhere(make().await).await;
}

async fn keys<O: Objects>(objects: &O, prefix: &str) -> Vec<String> {
    objects.list(prefix).await.unwrap().into_iter().map(|object| object.key).collect()
}

async fn an_object_comes_back_as_it_was_put<O: Objects>(objects: O) {
    assert_eq!(objects.get("a/b").await, Ok(None));
    for body in [Bytes::from(vec![7; 3_000_000]), Bytes::from_static(b"short"), Bytes::new()] {
        objects.put("a/b", body.clone()).await.unwrap();
        assert_eq!(objects.get("a/b").await, Ok(Some(body)));
    }
    let key = "segments/v1/tenant=t_1-x/dt=2026-01-31/17-19-00ff.parquet";
    assert_eq!(objects.put_if_absent(key, Bytes::from_static(b"x")).await, Ok(Put::Created));
    assert_eq!(objects.get(key).await, Ok(Some(Bytes::from_static(b"x"))));
    assert_eq!(objects.get("a").await, Ok(None), "a part of a key is no object");
    assert_eq!(objects.get("a/b/c").await, Ok(None));
}

async fn a_conditional_put_never_replaces<O: Objects>(objects: O) {
    let (first, second) = (Bytes::from_static(b"first"), Bytes::from_static(b"second"));
    assert_eq!(objects.put_if_absent("k", first.clone()).await, Ok(Put::Created));
    assert_eq!(objects.put_if_absent("k", second.clone()).await, Ok(Put::Existed));
    assert_eq!(objects.get("k").await, Ok(Some(first)));
    objects.delete("k").await.unwrap();
    assert_eq!(objects.put_if_absent("k", second.clone()).await, Ok(Put::Created));
    assert_eq!(objects.get("k").await, Ok(Some(second)));
}

async fn of_concurrent_conditional_puts_one_wins_whole<O: Objects + 'static>(objects: O) {
    let objects = Arc::new(objects);
    for round in 0..5 {
        let key = format!("contended/{round}");
        let bodies: Vec<Bytes> = (0..8u8).map(|caller| Bytes::from(vec![caller; 10_000])).collect();
        let puts = bodies.iter().cloned().map(|body| {
            let (objects, key) = (objects.clone(), key.clone());
            async move { objects.put_if_absent(&key, body).await.unwrap() }
        });
        let outcomes = all_at_once(puts).await;
        let winners: Vec<usize> = (0..8).filter(|caller| outcomes[*caller] == Put::Created).collect();
        assert_eq!(winners.len(), 1);
        assert_eq!(objects.get(&key).await, Ok(Some(bodies[winners[0]].clone())));
    }
}

async fn ranges_come_back_in_the_order_asked<O: Objects>(objects: O) {
    let body: Bytes = (0..=255u8).collect();
    objects.put("k", body.clone()).await.unwrap();
    let ranges = [200..256, 0..1, 10..20, 15..25, 0..256];
    let expected: Vec<Bytes> =
        ranges.iter().map(|range| body.slice(range.start as usize..range.end as usize)).collect();
    assert_eq!(objects.get_ranges("k", &ranges).await, Ok(Some(expected)));
    assert_eq!(objects.get_ranges("k", &[]).await, Ok(Some(vec![])));
    assert_eq!(objects.get_ranges("nothing", &ranges).await, Ok(None));
}

async fn a_range_beyond_the_end_is_an_error<O: Objects>(objects: O) {
    objects.put("k", Bytes::from_static(b"0123456789")).await.unwrap();
    for (start, end) in [(0, 11), (10, 11), (11, 12), (100, 200), (5, 4)] {
        assert_permanent(objects.get_ranges("k", &[0..1, start..end]).await);
    }
}

async fn deleting_is_repeatable<O: Objects>(objects: O) {
    objects.put("a/b", Bytes::from_static(b"x")).await.unwrap();
    objects.put("a/c", Bytes::from_static(b"y")).await.unwrap();
    for _ in 0..2 {
        assert_eq!(objects.delete("a/b").await, Ok(()));
        assert_eq!(objects.get("a/b").await, Ok(None));
    }
    assert_eq!(objects.delete("never/was").await, Ok(()));
    assert_eq!(keys(&objects, "").await, ["a/c"]);
}

async fn a_listing_is_by_prefix_and_key<O: Objects>(objects: O) {
    assert_eq!(objects.list("").await, Ok(vec![]));
    assert_eq!(objects.list("no/such/prefix").await, Ok(vec![]));
    // In the order of their bytes, which is not the order of a walk through directories.
    let all = ["a-b", "a/b", "a/c/d", "a/c/e", "a0", "b/tenant=x/1", "b/tenant=xy/1"];
    for key in all.iter().rev() {
        objects.put(key, Bytes::from(key.to_string())).await.unwrap();
    }
    for prefix in ["", "a", "a/", "a/c", "a/c/", "a/c/d", "a0", "b/tenant=x", "b/tenant=x/", "c", "a/b/"] {
        let expected: Vec<_> = all.iter().filter(|key| key.starts_with(prefix)).collect();
        assert_eq!(keys(&objects, prefix).await.iter().collect::<Vec<_>>(), expected, "prefix {prefix:?}");
    }
    for object in objects.list("").await.unwrap() {
        assert_eq!(object.size_bytes, object.key.len() as u64);
    }
}

async fn what_is_no_key_is_an_error_everywhere<O: Objects>(objects: O) {
    for key in ["", "/", "/a", "a/", "a//b", ".", "..", "../a", "a/../b", "a/./b", "a/..", "a\0b"] {
        assert_permanent(objects.put(key, Bytes::new()).await);
        assert_permanent(objects.put_if_absent(key, Bytes::new()).await);
        assert_permanent(objects.get(key).await);
        assert_permanent(objects.get_ranges(key, &[]).await);
        assert_permanent(objects.delete(key).await);
    }
    for prefix in ["/", "/a", "../", "../a", "a/../b", "a//b"] {
        assert_permanent(objects.list(prefix).await);
    }
}
