//! Every bound on what a request may bring, each with its unit and source.

/// Largest request body as it arrives, in bytes: API Gateway's HTTP API refuses more (10 MB).
pub const MAX_BODY_BYTES: usize = 10 * 1000 * 1000;
/// Largest body after decompression, in bytes: bounds the memory one request may take.
pub const MAX_DECODED_BYTES: usize = 64 * 1024 * 1024;
/// Largest single event, in bytes of JSON: a Kinesis record holds 1 MiB.
pub const MAX_EVENT_BYTES: usize = 1000 * 1000;
/// Deepest nesting of objects and arrays in an event.
pub const MAX_DEPTH: usize = 32;
/// Most fields (leaf paths) in one event.
pub const MAX_FIELDS: usize = 1000;
/// Longest path of a field, in bytes of its dotted name.
pub const MAX_PATH_BYTES: usize = 512;
/// How far ahead of the clock an event's time may lie, in nanoseconds: 10 minutes.
pub const MAX_AHEAD_NS: i64 = 10 * 60 * 1_000_000_000;
/// Most rejections listed in an answer; the rest are counted, so that an answer stays small.
pub const MAX_LISTED_REJECTIONS: usize = 1000;
