//! Which fields occur: from the directories of segments, and from the blocks of the tail.

use std::collections::BTreeMap;

use trawl_event::block::Projection;
use trawl_event::{Block, Kind, batch};
use trawl_store::ports::{FieldCount, Objects, ScanResult, ScanTask, Source, Stream};

use crate::open::Store;
use crate::{READ_BYTES, ScanError};

/// Counts by name and type.
type Counts = BTreeMap<(String, Kind), u64>;

/// Lists the fields of everything that a task names. Segments are counted whole, and a batch that
/// was sent twice counts twice while it is in flight: coverage is a guide, not a result.
pub async fn list<S: Stream, O: Objects>(
    stream: &S,
    store: &Store<'_, O>,
    task: &ScanTask,
) -> Result<ScanResult, ScanError> {
    let mut result = ScanResult::default();
    let mut counts = Counts::new();
    match &task.source {
        Source::Segments(rows) => {
            for (place, row) in rows.iter().enumerate() {
                let reader = match store.open((place as u32, row)).await {
                    Ok(open) => open.reader,
                    Err(ScanError::Segment(unreadable)) => {
                        result.unreadable.push(unreadable);
                        continue;
                    }
                    Err(error) => return Err(error),
                };
                result.events_matched += row.events;
                for field in reader.fields() {
                    let events = field.rows.unwrap_or_default();
                    *counts.entry((field.path.name(), field.kind)).or_default() += events;
                }
            }
        }
        Source::Tail { shard, after, upto, .. } => {
            let mut position = *after;
            while position < *upto {
                let records = stream.read_upto(shard, position, *upto, READ_BYTES).await?;
                let Some(last) = records.last() else { break };
                position = last.position;
                let within = records.iter().filter(|record| record.position <= *upto);
                for batch in within.flat_map(|record| batch::read_all(&record.data).0) {
                    let header = &batch.header;
                    let overlaps = header.last >= task.from && header.first < task.to;
                    if header.tenant == task.tenant && overlaps {
                        // What cannot be read becomes a dead letter when the persister comes to it.
                        let Ok(block) = batch.block(&Projection::All) else { continue };
                        count(&block, &mut counts);
                        result.events_matched += block.rows() as u64;
                    }
                }
            }
        }
    }
    let field = |((name, kind), events)| FieldCount { name, kind: kind_name(kind).to_owned(), events };
    result.fields = counts.into_iter().map(field).collect();
    Ok(result)
}

fn count(block: &Block, counts: &mut Counts) {
    for column in &block.columns {
        *counts.entry((column.path.name(), column.values.kind())).or_default() += column.rows.len() as u64;
    }
}

/// The name of a type in the API.
fn kind_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Text => "string",
        Kind::Int => "int",
        Kind::Float => "float",
        Kind::Bool => "bool",
        Kind::Json => "json",
    }
}
