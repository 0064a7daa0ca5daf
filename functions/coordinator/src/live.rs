//! `GET /v1/tail`: new events that match, from the stream, as they arrive.
//!
//! A cursor names the position in each shard up to which the caller has seen everything. What comes after it is
//! evaluated like the tail of any search; nothing is kept for the caller here.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::future::try_join_all;
use http::StatusCode;
use serde_json::value::RawValue;
use trawl_api::live::{DEFAULT_TAIL, MAX_TAIL, TailAnswer};
use trawl_api::{ApiError, ApiResult};
use trawl_event::{TenantId, Timestamp};
use trawl_query::Exclusion;
use trawl_query::{Output, SummarySpec};
use trawl_store::ports::{Clock, Position, ScanEvent, ScanTask, ShardId, Source, StoreError, Stream, Want};

use crate::http::{store_error, unknown_parameter};
use crate::request::{check_most, read_query};
use crate::searches::{invalid_cursor, read_wait};
use crate::{Coordinator, Ports};

/// The first pause between two looks at the stream; it doubles up to [`LAST_LOOK`].
const FIRST_LOOK: Duration = Duration::from_millis(20);
/// The longest pause: a shard of Kinesis answers 5 reads a second, of which the persister needs one.
const LAST_LOOK: Duration = Duration::from_millis(320);
/// Bytes of records that are taken from a shard at once.
const READ_BYTES: usize = 8 * 1024 * 1024;

type Positions = BTreeMap<ShardId, Position>;

struct Asked {
    query: String,
    cursor: Option<Positions>,
    wait: Duration,
    limit: usize,
}

/// What arrived between two positions.
#[derive(Default)]
struct News {
    events: Vec<ScanEvent>,
    matched: u64,
}

impl<P: Ports> Coordinator<P> {
    pub(crate) async fn tail(&self, tenant: &TenantId, query: &str) -> ApiResult {
        let mut asked = read_asked(query)?;
        let mut gap = None;
        let mut seen = match asked.cursor.take() {
            Some(seen) => seen,
            None => self.ends().await.map_err(store_error)?,
        };
        let (mut waited, mut pause) = (Duration::ZERO, FIRST_LOOK);
        loop {
            let reached = self.reach(&mut seen, &mut gap).await.map_err(store_error)?;
            let without = self.hidden(tenant).await.map_err(store_error)?.exclusions();
            let news = self.news(tenant, &asked, &without, (&seen, &reached)).await.map_err(store_error)?;
            seen = reached;
            if news.matched > 0 || gap.is_some() || waited >= asked.wait {
                return trawl_api::json(StatusCode::OK, &answer(news, &seen, asked.limit, gap)?);
            }
            self.clock.sleep(pause).await;
            waited += pause;
            pause = (pause * 2).min(LAST_LOOK);
        }
    }

    pub(crate) async fn ends(&self) -> Result<Positions, StoreError> {
        let shards = self.stream.shards().await?;
        let ends = try_join_all(shards.iter().map(|shard| self.stream.end(shard))).await?;
        Ok(shards.into_iter().zip(ends).collect())
    }

    /// How far each shard can be read on from where the caller is. A shard that is new begins at its start. One whose
    /// records are gone goes on at its end, as if all were seen, and `gap` says so.
    async fn reach(&self, seen: &mut Positions, gap: &mut Option<String>) -> Result<Positions, StoreError> {
        let mut reached = Positions::new();
        for shard in self.stream.shards().await? {
            let position = seen.get(&shard).copied().unwrap_or(Position::START);
            let reach = match self.stream.read(&shard, position, READ_BYTES).await {
                Ok(records) => records.last().map_or(position, |last| last.position),
                // There is news soon enough when there is room again.
                Err(StoreError::Throttled(_)) => position,
                Err(StoreError::Permanent(reason)) => {
                    *gap = Some(format!(
                        "events of shard {shard} went by unread ({reason}); a search over the time since the last \
                         event finds them"
                    ));
                    let end = self.stream.end(&shard).await?;
                    seen.insert(shard.clone(), end);
                    end
                }
                Err(error) => return Err(error),
            };
            reached.insert(shard, reach);
        }
        Ok(reached)
    }

    async fn news(
        &self,
        tenant: &TenantId,
        asked: &Asked,
        without: &[Exclusion],
        (seen, reached): (&Positions, &Positions),
    ) -> Result<News, StoreError> {
        let task = |(number, (shard, upto)): (usize, (&ShardId, &Position))| {
            let after = seen.get(shard).copied().unwrap_or(Position::START);
            let source = Source::Tail { shard: shard.clone(), after, upto: *upto, ends: reached.clone() };
            let task = ScanTask {
                tenant: tenant.clone(),
                query: asked.query.clone(),
                without: without.to_vec(),
                from: Timestamp::MIN,
                to: Timestamp::MAX,
                newest_first: true,
                limit: asked.limit,
                after: None,
                number: number as u32,
                want: Want::Matches,
                summary: Some(SummarySpec::default()),
                source,
            };
            (*upto > after).then_some(task)
        };
        let tasks: Vec<ScanTask> = reached.iter().enumerate().filter_map(task).collect();
        let mut news = News::default();
        for found in try_join_all(tasks.into_iter().map(|task| self.arrived(task))).await? {
            news.events.extend(found.events);
            news.matched += found.matched;
        }
        Ok(news)
    }

    /// The newest events of a task, and how many there are in all.
    async fn arrived(&self, task: ScanTask) -> Result<News, StoreError> {
        let count = ScanTask { want: Want::Counts, ..task.clone() };
        let found = self.attempt((), task).await.1?;
        let matched = match found.summary {
            Some(summary) => summary.events,
            // The newest were found without looking at all.
            None => self.attempt((), count).await.1?.events_matched,
        };
        Ok(News { events: found.events, matched })
    }
}

fn answer(mut news: News, seen: &Positions, limit: usize, gap: Option<String>) -> Result<TailAnswer, ApiError> {
    news.events.sort_unstable_by_key(|event| Reverse(event.key));
    news.events.truncate(limit);
    news.events.reverse();
    let missed = news.matched.saturating_sub(news.events.len() as u64);
    let events: Result<Vec<Box<RawValue>>, _> =
        news.events.into_iter().map(|event| RawValue::from_string(event.json)).collect();
    let events = events.map_err(|error| ApiError::internal(format!("an event is no JSON: {error}")))?;
    Ok(TailAnswer { events, cursor: written(seen), missed, gap })
}

fn read_asked(query: &str) -> Result<Asked, ApiError> {
    let mut asked = Asked { query: String::new(), cursor: None, wait: Duration::ZERO, limit: DEFAULT_TAIL };
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        match &*name {
            "query" => asked.query = value.into_owned(),
            "cursor" => asked.cursor = Some(read_cursor(&value).ok_or_else(invalid_cursor)?),
            "wait" => asked.wait = read_wait(&value)?,
            "limit" => {
                let message = format!("limit: {value:?} is not a number");
                asked.limit = value.parse().map_err(|_| ApiError::bad_request("invalid_limit", message))?;
            }
            _ => return Err(unknown_parameter(&name, "query, cursor, wait or limit")),
        }
    }
    check_most("limit", "invalid_limit", asked.limit, MAX_TAIL)?;
    match read_query(&asked.query)?.output() {
        Output::Events { sort: None, limit: None, .. } => Ok(asked),
        _ => Err(ApiError::bad_request(
            "invalid_query",
            "new events have no aggregate, order or limit: expected a filter, and at most a fields pipe",
        )),
    }
}

/// Positions as text: `shard~a.b.c` for each, with `!` between.
fn written(positions: &Positions) -> String {
    let each = positions.iter().map(|(shard, Position([a, b, c]))| format!("{shard}~{a}.{b}.{c}"));
    each.collect::<Vec<_>>().join("!")
}

fn read_cursor(text: &str) -> Option<Positions> {
    let position = |each: &str| {
        let (shard, numbers) = each.split_once('~')?;
        let numbers: Vec<u64> = numbers.split('.').map(|number| number.parse().ok()).collect::<Option<_>>()?;
        Some((ShardId(shard.to_owned()), Position(numbers.try_into().ok()?)))
    };
    text.split('!').map(position).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_read_as_it_was_written() {
        let positions: Positions = [("shard-00000", [1, 2, 3]), ("shardId-000000000001", [u64::MAX, 0, 7])]
            .map(|(shard, position)| (ShardId(shard.to_owned()), Position(position)))
            .into();
        assert_eq!(read_cursor(&written(&positions)), Some(positions));
        for wrong in ["", "x", "a~1.2", "a~1.2.3.4", "a~1.2.x", "a~1.2.3!"] {
            assert_eq!(read_cursor(wrong), None, "{wrong}");
        }
    }
}
