//! What a log event is, from the bytes of a request to columns in memory.
//!
//! Outside bytes become typed values here and nowhere else. One form is used from
//! then on, in the stream, in the segment writer and in the evaluator: the
//! [`Block`], a run of events turned into sparse typed columns. A block gives
//! every event back exactly as it was sent.
//!
//! * [`decode`]: request body → checked events → [`Block`] and per-event rejections
//! * [`protocol`]: the same for the bodies that other shippers send, a small decoder for each protocol
//! * [`block`]: the columnar form and its parts; [`Texts`]: the strings of a column, plain or coded by a dictionary
//! * [`columns`]: columns that grow one JSON object at a time
//! * [`shred`] / [`restore`]: one JSON event → columns, and back
//! * [`merge`]: several blocks → one
//! * [`codec`]: a block as bytes; [`batch`]: a block with its header, as the stream carries it
//! * [`text`]: words and case folding, one meaning for index and evaluator; [`evidence`]: what a search asks of the index,
//!   [`zones`]: what the catalog knows of a whole segment
//! * [`timestamp`], [`level`], [`ids`], [`limits`], [`rowset`]: the small types
//!
//! Nothing here knows HTTP, AWS or the clock: the time of receipt is an argument.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

pub mod batch;
pub mod block;
pub mod codec;
pub mod columns;
pub mod decode;
pub mod evidence;
mod fields;
pub mod ids;
pub mod level;
pub mod limits;
pub mod merge;
pub mod protocol;
pub mod restore;
pub mod rowset;
pub mod shred;
mod sink;
pub mod text;
mod texts;
pub mod timestamp;
pub mod zones;

pub use block::{Block, Column, Kind, Path, Values};
pub use evidence::{Evidence, Fragment};
pub use ids::{BatchId, TenantId};
pub use level::Level;
pub use rowset::RowSet;
pub use texts::{Form, Plain, Texts};
pub use timestamp::Timestamp;
pub use zones::Zones;
