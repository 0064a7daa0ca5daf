//! Items of the catalog ↔ what they say.

use std::collections::BTreeMap;

use trawl_event::timestamp::Day;
use trawl_event::{TenantId, Timestamp, Zones};
use xxhash_rust::xxh3::xxh3_64;

use crate::aws::table::{Item, binary, damaged, key, number_of, text, text_of};
use crate::ports::{Origin, Place, Position, Result, SegmentKey, SegmentRow, ShardId, StoreError};

/// The partition of checkpoints.
pub const CHECKPOINTS: &str = "checkpoints";
/// The partition of tenants.
pub const TENANTS: &str = "tenants";
/// The partition of what was retired.
pub const RETIRED: &str = "retired";
/// The partition of markers.
pub const MARKERS: &str = "commits";
/// What a shard's last commit added, and the one before.
pub const LAST: &str = "last";
/// See [`LAST`].
pub const BEFORE: &str = "before";
/// A row larger than this is written without zones, which only means that it is never ruled out. As many as a
/// transaction holds stay below its 4 MB.
const ROW_BYTES: usize = 32_000;

/// A row as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// The row.
    pub row: SegmentRow,
    /// The sets of rows it was staged with: it counts when the marker of its commit names one of them. Without
    /// any it counts by itself.
    pub staged: Vec<String>,
    /// Whether it was retired, and for which row if there is one.
    pub retired: Option<Option<SegmentKey>>,
    /// Hashes of the rows whose events it holds, as far as they were retired lately.
    pub replaces: Vec<u64>,
    /// How far into the stream its events go, as far as these came lately.
    pub covers: BTreeMap<ShardId, Position>,
}

impl Stored {
    /// A row that nothing is known of but that it is there.
    pub fn new(row: SegmentRow) -> Self {
        Self { row, staged: Vec::new(), retired: None, replaces: Vec::new(), covers: BTreeMap::new() }
    }
}

/// The short name of a row.
pub fn hash_of(key: &SegmentKey) -> u64 {
    xxh3_64(key.as_str().as_bytes())
}

/// The partition of the days of a tenant.
pub fn days(tenant: &TenantId) -> String {
    format!("days#{tenant}")
}

/// The partition of the segments of a tenant and day.
pub fn segments(tenant: &TenantId, day: &str) -> String {
    format!("segments#{tenant}#{day}")
}

/// The key of a segment's item. A segment's key names its tenant and day.
pub fn segment_key(segment: &SegmentKey) -> Result<Item> {
    let not_one = || StoreError::Permanent(format!("{segment} is not the key of a segment"));
    let mut parts = segment.as_str().strip_prefix(SegmentKey::PREFIX).ok_or_else(not_one)?.split('/');
    let tenant = parts.next().and_then(|part| part.strip_prefix("tenant=")).ok_or_else(not_one)?;
    let day = parts.next().and_then(|part| part.strip_prefix("dt=")).ok_or_else(not_one)?;
    Ok(key(format!("segments#{tenant}#{day}"), segment.as_str()))
}

/// A day as a sort key; days beyond the years 0 to 9999 are never reached by a timestamp.
pub fn day_name(day: Day) -> String {
    day.to_string()
}

/// How the keys of the segments of a tenant and day begin.
pub fn day_prefix(tenant: &TenantId, day: &str) -> String {
    format!("{}tenant={tenant}/dt={day}/", SegmentKey::PREFIX)
}

/// The sort key of the marker that the commit of a row leaves, if that staged its rows.
pub fn marker_of(row: &SegmentRow) -> Option<String> {
    match &row.origin {
        Origin::Stream { shard, after, upto } => {
            Some(format!("{shard}#{}#{}", position_text(*after), position_text(*upto)))
        }
        Origin::Compaction => None,
    }
}

/// A marker among what a commit added.
pub fn marker_entry(marker: &str) -> String {
    format!("commits/{marker}")
}

/// A row as JSON.
pub fn row_text(row: &SegmentRow) -> Result<String> {
    let encode = |row: &SegmentRow| {
        serde_json::to_string(row).map_err(|error| StoreError::Permanent(format!("the row of {}: {error}", row.key)))
    };
    let json = encode(row)?;
    if json.len() <= ROW_BYTES { Ok(json) } else { encode(&SegmentRow { zones: Zones::default(), ..row.clone() }) }
}

/// The item of a row that is not staged.
pub fn item_of(stored: &Stored) -> Result<Item> {
    let mut item = segment_key(&stored.row.key)?;
    item.insert("row".into(), text(row_text(&stored.row)?));
    if !stored.replaces.is_empty() {
        let hashes: Vec<u8> = stored.replaces.iter().flat_map(|hash| hash.to_be_bytes()).collect();
        item.insert("replaces".into(), binary(hashes));
    }
    if !stored.covers.is_empty() {
        let covers = serde_json::to_string(&stored.covers);
        item.insert("covers".into(), text(covers.map_err(|error| StoreError::Permanent(error.to_string()))?));
    }
    Ok(item)
}

/// A row from its item.
pub fn stored_of(item: &Item) -> Result<Stored> {
    let row = serde_json::from_str(text_of(item, "row")?).map_err(|_| damaged(item, "row"))?;
    let replaces = match item.get("replaces") {
        None => Vec::new(),
        Some(value) => {
            let bytes = value.as_b().map_err(|_| damaged(item, "replaces"))?.as_ref();
            bytes.as_chunks::<8>().0.iter().map(|hash| u64::from_be_bytes(*hash)).collect()
        }
    };
    let covers = match item.get("covers") {
        None => BTreeMap::new(),
        Some(_) => serde_json::from_str(text_of(item, "covers")?).map_err(|_| damaged(item, "covers"))?,
    };
    let retired = match (item.get("retired"), item.get("by")) {
        (None, _) => None,
        (Some(_), None) => Some(None),
        (Some(_), Some(_)) => Some(Some(segment_of(item, "by")?)),
    };
    let staged = match item.get("staged") {
        None => Vec::new(),
        Some(sets) => sets.as_ss().map_err(|_| damaged(item, "staged"))?.clone(),
    };
    Ok(Stored { row, staged, retired, replaces, covers })
}

/// A list of strings; none where there is no such attribute.
pub fn texts_of(item: &Item, name: &str) -> Result<Vec<String>> {
    let Some(value) = item.get(name) else { return Ok(Vec::new()) };
    let texts = value.as_l().ok().and_then(|values| values.iter().map(|value| value.as_s().ok().cloned()).collect());
    texts.ok_or_else(|| damaged(item, name))
}

/// The key of a segment in an attribute.
pub fn segment_of(item: &Item, name: &str) -> Result<SegmentKey> {
    SegmentKey::from_listing(text_of(item, name)?.to_owned()).ok_or_else(|| damaged(item, name))
}

/// A position as 48 hexadecimal digits, which sort as it does.
pub fn position_text(position: Position) -> String {
    let [high, middle, low] = position.0;
    format!("{high:016x}{middle:016x}{low:016x}")
}

/// A position from its digits.
pub fn position_of(digits: &str) -> Option<Position> {
    let word = |at: usize| digits.get(at..at + 16).and_then(|word| u64::from_str_radix(word, 16).ok());
    (digits.len() == 48).then_some(())?;
    Some(Position([word(0)?, word(16)?, word(32)?]))
}

/// A checkpoint from its item.
pub fn checkpoint_of(item: &Item) -> Result<Position> {
    position_of(text_of(item, "position")?).ok_or_else(|| damaged(item, "position"))
}

/// A place as a claim notes it.
pub fn place_text(place: &Place) -> String {
    format!("{}/{}/{}", position_text(place.position), place.ordinal, place.shard)
}

/// A place from such a note.
pub fn place_of(text: &str) -> Option<Place> {
    let mut parts = text.splitn(3, '/');
    let position = position_of(parts.next()?)?;
    let ordinal = parts.next()?.parse().ok()?;
    Some(Place { shard: ShardId(parts.next()?.to_owned()), position, ordinal })
}

/// A time attribute, in nanoseconds since 1970.
pub fn time_of(item: &Item, name: &str) -> Result<Timestamp> {
    number_of(item, name).map(Timestamp)
}
