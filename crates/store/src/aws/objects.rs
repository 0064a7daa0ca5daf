//! Objects in an S3 bucket.
//!
//! **Parallel reads.** Every GET is a task of its own on the runtime: its socket is driven on another
//! thread while the caller decodes what came before. A call has at most [`GETS_AT_ONCE`] under way; S3
//! gives one connection about 90 MB/s after 30 ms.
//!
//! **Conditional puts** use `If-None-Match: *`
//! (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html>): 412 says that the
//! object is there; 409 that another put or delete of the key is under way, which is tried again.
//! An object is written by one request, which S3 takes up to 5 GB; segments are far smaller.

use std::ops::Range;
use std::time::Duration;

use aws_sdk_s3::Client;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::operation::get_object::GetObjectOutput;
use aws_sdk_s3::primitives::ByteStream;
use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream;
use tokio::task::JoinSet;
use trawl_event::Timestamp;

use super::error::store_error;
use crate::ports::objects::{check_key, check_prefix};
use crate::ports::{ObjectMeta, Objects, Put, Result, StoreError};

/// Requests of one call that are under way at once.
pub const GETS_AT_ONCE: usize = 32;
/// Objects larger than this are read in parts of this size, side by side.
pub const PART_BYTES: u64 = 8 * 1024 * 1024;
/// How often a conditional put that met another one is tried again.
const CONFLICT_ATTEMPTS: u32 = 6;
/// The pause before the first of these; it doubles with each.
const CONFLICT_PAUSE: Duration = Duration::from_millis(50);

/// Objects of one bucket.
#[derive(Clone, Debug)]
pub struct AwsObjects {
    client: Client,
    bucket: String,
}

/// A piece of an object, and the size of the whole.
struct Piece {
    bytes: Bytes,
    object_bytes: Option<u64>,
}

impl AwsObjects {
    /// The objects of `bucket`.
    pub fn new(client: Client, bucket: impl Into<String>) -> Self {
        Self { client, bucket: bucket.into() }
    }

    fn doing(&self, what: &str, key: &str) -> String {
        format!("{what} s3://{}/{key}", self.bucket)
    }

    /// One GET, of all or of a range; `None` when there is no such object.
    async fn get_piece(&self, key: &str, range: Option<Range<u64>>) -> Result<Option<Piece>> {
        let doing = self.doing("reading", key);
        let mut request = self.client.get_object().bucket(&self.bucket).key(key);
        if let Some(range) = &range {
            request = request.range(format!("bytes={}-{}", range.start, range.end - 1));
        }
        let output = match request.send().await {
            Ok(output) => output,
            Err(SdkError::ServiceError(error)) if error.err().is_no_such_key() => return Ok(None),
            Err(error) if error.code() == Some("InvalidRange") => {
                return match self.size_of_empty(key).await? {
                    Some(object_bytes) => Ok(Some(Piece { bytes: Bytes::new(), object_bytes: Some(object_bytes) })),
                    None => Ok(None),
                };
            }
            Err(error) => return Err(store_error(&doing, &error)),
        };
        let object_bytes = object_bytes(&output);
        let bytes = output.body.collect().await;
        // A body that breaks off, or is not what its checksum says.
        let bytes = bytes.map_err(|error| StoreError::Transient(format!("{doing}: {error}")))?.into_bytes();
        Ok(Some(Piece { bytes, object_bytes }))
    }

    /// The size of an object none of whose bytes lie in a range that was asked for.
    async fn size_of_empty(&self, key: &str) -> Result<Option<u64>> {
        match self.client.head_object().bucket(&self.bucket).key(key).send().await {
            Ok(head) => Ok(Some(head.content_length().and_then(|bytes| u64::try_from(bytes).ok()).unwrap_or(0))),
            Err(SdkError::ServiceError(error)) if error.err().is_not_found() => Ok(None),
            Err(error) => Err(store_error(&self.doing("looking at", key), &error)),
        }
    }

    /// As many GETs at once as [`GETS_AT_ONCE`], each on the runtime; what they give, in order.
    async fn get_pieces(&self, key: &str, ranges: &[Range<u64>]) -> Result<Option<Vec<Bytes>>> {
        let mut waiting = ranges.iter().cloned().enumerate();
        let mut pieces: Vec<Option<Bytes>> = vec![None; ranges.len()];
        // Dropping the set ends what is still under way.
        let mut running = JoinSet::new();
        loop {
            while running.len() < GETS_AT_ONCE
                && let Some((index, range)) = waiting.next()
            {
                let (objects, key) = (self.clone(), key.to_owned());
                running.spawn(async move {
                    let wanted = range.end - range.start;
                    let piece = objects.get_piece(&key, Some(range.clone())).await?;
                    let whole = piece.map(|piece| match piece.bytes.len() as u64 == wanted {
                        true => Ok(piece.bytes),
                        false => Err(beyond_the_end(&key, &range, piece.object_bytes)),
                    });
                    whole.transpose().map(|piece| (index, piece))
                });
            }
            let Some(ended) = running.join_next().await else { break };
            let ended = ended.map_err(|error| StoreError::Transient(format!("reading {key}: {error}")))?;
            let (index, Some(bytes)) = ended? else { return Ok(None) };
            pieces[index] = Some(bytes);
        }
        Ok(pieces.into_iter().collect())
    }
}

/// The size of the object that an answer is a part of: `bytes 0-9/1234`, or all of it.
fn object_bytes(output: &GetObjectOutput) -> Option<u64> {
    match output.content_range() {
        Some(range) => range.rsplit_once('/')?.1.parse().ok(),
        None => output.content_length().and_then(|bytes| u64::try_from(bytes).ok()),
    }
}

fn beyond_the_end(key: &str, range: &Range<u64>, object_bytes: Option<u64>) -> StoreError {
    match object_bytes {
        // All of the object's own bytes lie in the range, so an answer broke off.
        Some(size) if range.end <= size => StoreError::Transient(format!(
            "reading {key}: the answer to bytes {}..{} is not as long as asked",
            range.start, range.end
        )),
        Some(size) => StoreError::Permanent(format!(
            "{key} has {size} bytes: the range {}..{} lies beyond its end",
            range.start, range.end
        )),
        None => StoreError::Permanent(format!("{key}: the range {}..{} cannot be read", range.start, range.end)),
    }
}

impl Objects for AwsObjects {
    async fn put_if_absent(&self, key: &str, body: Bytes) -> Result<Put> {
        check_key(key)?;
        let mut pause = CONFLICT_PAUSE;
        for attempt in 1.. {
            let put = self.client.put_object().bucket(&self.bucket).key(key).if_none_match("*");
            match put.body(ByteStream::from(body.clone())).send().await {
                Ok(_) => return Ok(Put::Created),
                Err(error) if error.code() == Some("PreconditionFailed") => return Ok(Put::Existed),
                Err(error) if error.code() == Some("ConditionalRequestConflict") && attempt < CONFLICT_ATTEMPTS => {
                    tokio::time::sleep(pause).await;
                    pause *= 2;
                }
                Err(error) if error.code() == Some("ConditionalRequestConflict") => {
                    return Err(StoreError::Transient(format!("{}: {error}", self.doing("writing", key))));
                }
                Err(error) => return Err(store_error(&self.doing("writing", key), &error)),
            }
        }
        Err(StoreError::Transient(self.doing("writing", key)))
    }

    async fn put(&self, key: &str, body: Bytes) -> Result<()> {
        check_key(key)?;
        let put = self.client.put_object().bucket(&self.bucket).key(key).body(ByteStream::from(body)).send().await;
        put.map(drop).map_err(|error| store_error(&self.doing("writing", key), &error))
    }

    async fn get(&self, key: &str) -> Result<Option<Bytes>> {
        check_key(key)?;
        let Some(first) = self.get_piece(key, Some(0..PART_BYTES)).await? else { return Ok(None) };
        let read = first.bytes.len() as u64;
        let size = first.object_bytes.unwrap_or(read);
        if read >= size {
            return Ok(Some(first.bytes));
        }
        let starts = (read..size).step_by(PART_BYTES as usize);
        let rest: Vec<Range<u64>> = starts.map(|start| start..size.min(start + PART_BYTES)).collect();
        let Some(pieces) = self.get_pieces(key, &rest).await? else { return Ok(None) };
        let mut whole = Vec::with_capacity(size as usize);
        whole.extend_from_slice(&first.bytes);
        pieces.iter().for_each(|piece| whole.extend_from_slice(piece));
        Ok(Some(whole.into()))
    }

    async fn get_ranges(&self, key: &str, ranges: &[Range<u64>]) -> Result<Option<Vec<Bytes>>> {
        check_key(key)?;
        if let Some(range) = ranges.iter().find(|range| range.end < range.start) {
            return Err(StoreError::Permanent(format!("{key}: {}..{} is no range", range.start, range.end)));
        }
        // S3 knows no empty ranges.
        let asked: Vec<Range<u64>> = ranges.iter().filter(|range| !range.is_empty()).cloned().collect();
        if asked.is_empty() {
            return Ok(self.size_of_empty(key).await?.map(|_| vec![Bytes::new(); ranges.len()]));
        }
        let Some(pieces) = self.get_pieces(key, &asked).await? else { return Ok(None) };
        let mut pieces = pieces.into_iter();
        let in_place = |range: &Range<u64>| match range.is_empty() {
            true => Some(Bytes::new()),
            false => pieces.next(),
        };
        Ok(ranges.iter().map(in_place).collect())
    }

    async fn delete(&self, key: &str) -> Result<()> {
        check_key(key)?;
        let deleted = self.client.delete_object().bucket(&self.bucket).key(key).send().await;
        deleted.map(drop).map_err(|error| store_error(&self.doing("deleting", key), &error))
    }

    async fn list(&self, prefix: &str) -> Result<Vec<ObjectMeta>> {
        check_prefix(prefix)?;
        let pages = self.client.list_objects_v2().bucket(&self.bucket).prefix(prefix).into_paginator().send();
        let pages = stream::unfold(pages, |mut pages| async { pages.next().await.map(|page| (page, pages)) });
        let mut found = Vec::new();
        let mut pages = std::pin::pin!(pages);
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| store_error(&self.doing("listing", prefix), &error))?;
            for object in page.contents() {
                let (Some(key), Some(size), Some(modified)) = (object.key(), object.size(), object.last_modified())
                else {
                    return Err(StoreError::Permanent(self.doing("a listing without key, size or time of", prefix)));
                };
                found.push(ObjectMeta {
                    key: key.to_owned(),
                    size_bytes: u64::try_from(size).unwrap_or(0),
                    modified: Timestamp(i64::try_from(modified.as_nanos()).unwrap_or(i64::MAX)),
                });
            }
        }
        // S3 lists by key already; what stands in for it may not.
        found.sort_unstable_by(|left, right| left.key.cmp(&right.key));
        Ok(found)
    }
}
