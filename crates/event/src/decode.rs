//! A request body → checked events, cut into parts that each fit a stream record.
//!
//! Bodies are a JSON object, a JSON array of objects, `{"events":[…]}`, or NDJSON, plain or
//! compressed with gzip or zstd. An event that is refused does not touch the others.

use std::borrow::Cow;
use std::io::Read;

use jiter::{Jiter, Peek};

use crate::block::Block;
use crate::limits::{MAX_BODY_BYTES, MAX_DECODED_BYTES, MAX_EVENT_BYTES};
use crate::shred::{EventError, TimeRule};
use crate::sink::Sink;

/// Raw bytes of events in one part. A part's encoded block is hardly larger than its JSON and
/// zstd adds at most 0.4 %, so that a part always fits a Kinesis record of 1 MiB.
pub const PART_RAW_BYTES: usize = MAX_EVENT_BYTES;

/// Largest zstd window accepted, as a power of two: 32 MiB, what `zstd -20` and below ask for.
const ZSTD_WINDOW_LOG_MAX: u32 = 25;

/// How a body is compressed (`Content-Encoding`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// Not at all.
    Identity,
    /// gzip, RFC 1952.
    Gzip,
    /// zstd, RFC 8878.
    Zstd,
    /// `deflate`: the zlib format, RFC 1950, or what some senders take it for, bare RFC 1951.
    Deflate,
    /// Snappy, one block or in frames.
    Snappy,
}

impl Encoding {
    /// Reads a `Content-Encoding` header value.
    pub fn from_header(value: &str) -> Option<Self> {
        match value.trim().to_ascii_lowercase().as_str() {
            "" | "identity" => Some(Self::Identity),
            "gzip" | "x-gzip" => Some(Self::Gzip),
            "zstd" | "zstd1" => Some(Self::Zstd),
            "deflate" => Some(Self::Deflate),
            "snappy" | "x-snappy-framed" => Some(Self::Snappy),
            _ => None,
        }
    }
}

/// Why a whole body was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BodyError {
    /// More bytes than a request may have.
    #[error("the body has {bytes} bytes, the limit is {MAX_BODY_BYTES}")]
    TooLarge {
        /// How many it has.
        bytes: usize,
    },
    /// More bytes once decompressed than a request may have.
    #[error("the body decompresses to more than the limit of {MAX_DECODED_BYTES} bytes")]
    DecodedTooLarge,
    /// It does not decompress.
    #[error("the body is not valid {encoding}: {reason}, after {decoded_bytes} decompressed bytes")]
    Compression {
        /// What it should have been.
        encoding: &'static str,
        /// The decompressor's reason.
        reason: String,
        /// How far it came.
        decoded_bytes: usize,
    },
    /// Nothing in it.
    #[error("the body holds no event: expected a JSON object, an array of objects, {{\"events\":[…]}} or NDJSON")]
    Empty,
    /// The events built from it are larger than a request may be: what a protocol says once for many events counts in each.
    #[error("the events of the body take more than the limit of {MAX_DECODED_BYTES} bytes with what they share")]
    ExpandedTooLarge,
    /// More items than a request may have.
    #[error("the body has more than the limit of {limit} items")]
    TooManyItems {
        /// How many it may have.
        limit: usize,
    },
    /// Not what its protocol says.
    #[error("the body is not {expected}: {reason}")]
    Malformed {
        /// What it should have been.
        expected: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// A JSON array that cannot be read to its end.
    #[error("invalid JSON at byte {offset} of the body: {reason}")]
    InvalidJson {
        /// Where, after decompression.
        offset: usize,
        /// What was expected there.
        reason: String,
    },
}

impl BodyError {
    /// The stable name of the error, as the HTTP API gives it.
    pub fn code(&self) -> &'static str {
        match self {
            Self::TooLarge { .. } => "body_too_large",
            Self::DecodedTooLarge => "decompressed_body_too_large",
            Self::Compression { .. } => "invalid_compression",
            Self::Empty => "no_events",
            Self::ExpandedTooLarge => "events_too_large",
            Self::TooManyItems { .. } => "too_many_items",
            Self::Malformed { .. } => "malformed_body",
            Self::InvalidJson { .. } => "invalid_json",
        }
    }
}

/// An event that was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    /// Its place among the events of the body, from 0 (blank lines do not count).
    pub index: u64,
    /// Why.
    pub error: EventError,
}

/// What a body held.
#[derive(Debug, Default)]
pub struct Decoded {
    /// The accepted events. The cuts depend on the body alone, so a repeated body has the same parts.
    /// A part whose events were all refused is an empty block.
    pub parts: Vec<Block>,
    /// How many events were accepted.
    pub accepted: u64,
    /// How many were refused.
    pub rejected: u64,
    /// The first of those, up to [`MAX_LISTED_REJECTIONS`](crate::limits::MAX_LISTED_REJECTIONS).
    pub rejections: Vec<Rejection>,
    /// Whether every accepted event brought its own timestamp.
    pub all_timestamped: bool,
}

/// Undoes the compression of a body, within bounds.
pub fn decompress(body: &[u8], encoding: Encoding) -> Result<Cow<'_, [u8]>, BodyError> {
    if body.len() > MAX_BODY_BYTES {
        return Err(BodyError::TooLarge { bytes: body.len() });
    }
    decompress_within(body, encoding, MAX_DECODED_BYTES)
}

/// Undoes the compression of bytes that may have at most `limit` without it.
pub(crate) fn decompress_within(body: &[u8], encoding: Encoding, limit: usize) -> Result<Cow<'_, [u8]>, BodyError> {
    match encoding {
        Encoding::Identity => Ok(Cow::Borrowed(body)),
        Encoding::Deflate if is_zlib(body) => {
            read_bounded(flate2::read::ZlibDecoder::new(body), "deflate", body.len(), limit)
        }
        Encoding::Deflate => read_bounded(flate2::read::DeflateDecoder::new(body), "deflate", body.len(), limit),
        Encoding::Snappy if body.starts_with(SNAPPY_FRAMES) => {
            read_bounded(snap::read::FrameDecoder::new(body), "snappy", body.len(), limit)
        }
        Encoding::Snappy => snappy_block(body, limit),
        Encoding::Gzip => read_bounded(flate2::read::MultiGzDecoder::new(body), "gzip", body.len(), limit),
        Encoding::Zstd => {
            let failed = |error: std::io::Error| BodyError::Compression {
                encoding: "zstd",
                reason: error.to_string(),
                decoded_bytes: 0,
            };
            let mut decoder = zstd::stream::read::Decoder::with_buffer(body).map_err(failed)?;
            decoder.window_log_max(ZSTD_WINDOW_LOG_MAX).map_err(failed)?;
            read_bounded(decoder, "zstd", body.len(), limit)
        }
    }
}

/// How a stream of Snappy frames begins.
const SNAPPY_FRAMES: &[u8] = b"\xff\x06\x00\x00sNaPpY";

/// Whether bytes begin as the zlib format does (RFC 1950 §2.2).
fn is_zlib(bytes: &[u8]) -> bool {
    let [method, flags, ..] = bytes else { return false };
    method & 0x0f == 8 && (u16::from(*method) * 256 + u16::from(*flags)).is_multiple_of(31)
}

fn snappy_block(body: &[u8], limit: usize) -> Result<Cow<'static, [u8]>, BodyError> {
    let failed =
        |error: snap::Error| BodyError::Compression { encoding: "snappy", reason: error.to_string(), decoded_bytes: 0 };
    // The length that a block announces is checked before anything of that size is made.
    if snap::raw::decompress_len(body).map_err(failed)? > limit {
        return Err(BodyError::DecodedTooLarge);
    }
    snap::raw::Decoder::new().decompress_vec(body).map(Cow::Owned).map_err(failed)
}

/// How many times as large most bodies are without their compression.
const USUAL_RATIO: usize = 8;

fn read_bounded(
    reader: impl Read,
    encoding: &'static str,
    bytes: usize,
    limit: usize,
) -> Result<Cow<'static, [u8]>, BodyError> {
    let mut decoded = Vec::with_capacity((bytes * USUAL_RATIO).min(limit));
    let mut bounded = reader.take(limit as u64 + 1);
    match bounded.read_to_end(&mut decoded) {
        Ok(_) if decoded.len() > limit => Err(BodyError::DecodedTooLarge),
        Ok(_) => Ok(Cow::Owned(decoded)),
        Err(error) => Err(BodyError::Compression { encoding, reason: error.to_string(), decoded_bytes: decoded.len() }),
    }
}

/// Reads the events of a decompressed body.
pub fn decode(body: &[u8], rule: &TimeRule) -> Result<Decoded, BodyError> {
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    let mut sink = Sink::new(*rule);
    match body.iter().find(|byte| !byte.is_ascii_whitespace()) {
        None => return Err(BodyError::Empty),
        Some(b'[') => array(body, 0, &mut sink)?,
        Some(b'{') => match single_value(body) {
            Some(start) => match events_array(body) {
                Some(array_start) => array(body, array_start, &mut sink)?,
                None => {
                    sink.push(&body[start..]);
                }
            },
            None => lines(body, &mut sink),
        },
        Some(_) => lines(body, &mut sink),
    }
    sink.finish()
}

/// Where the JSON value begins that takes all of the body, if it is one value over several lines or in one.
fn single_value(body: &[u8]) -> Option<usize> {
    // NDJSON is the common case: an object that ends before a line that is not blank.
    let mut jiter = Jiter::new(body);
    let peek = jiter.peek().ok()?;
    let start = jiter.current_index();
    jiter.known_skip(peek).ok()?;
    jiter.finish().ok()?;
    Some(start)
}

/// Where the array of `{"events":[…]}` begins. An object with other keys is an event itself.
fn events_array(body: &[u8]) -> Option<usize> {
    let mut jiter = Jiter::new(body);
    if jiter.next_object().ok()? != Some("events") || jiter.peek().ok()? != Peek::Array {
        return None;
    }
    let start = jiter.current_index();
    jiter.known_skip(Peek::Array).ok()?;
    jiter.next_key().ok()?.is_none().then_some(start)
}

fn lines(body: &[u8], sink: &mut Sink) {
    let mut start = 0;
    for end in memchr::memchr_iter(b'\n', body).chain([body.len()]) {
        let line = &body[start..end];
        start = end + 1;
        if !line.iter().all(u8::is_ascii_whitespace) {
            sink.push(line.strip_suffix(b"\r").unwrap_or(line));
        }
    }
}

/// Pushes the elements of the JSON array that begins at `start`. An array that breaks off
/// is refused whole, since nobody can tell where its events would have ended.
fn array(body: &[u8], start: usize, sink: &mut Sink) -> Result<(), BodyError> {
    let failed = |error: jiter::JiterError, base: usize| BodyError::InvalidJson {
        offset: base + error.index,
        reason: error.error_type.to_string(),
    };
    let mut base = start;
    let mut jiter = Jiter::new(&body[base..]);
    let mut next = jiter.next_array().map_err(|error| failed(error, base))?;
    while let Some(peek) = next {
        let from = jiter.current_index();
        match jiter.known_skip(peek) {
            Ok(()) => {
                sink.push(jiter.slice_to_current(from));
                next = jiter.array_step().map_err(|error| failed(error, base))?;
            }
            Err(error) if is_recursion(&error) => {
                // Deeper than the parser follows: the event is refused, the parser set up behind it.
                let end = end_of_value(&body[base + from..]).ok_or_else(|| failed(error, base))?;
                sink.push(&body[base + from..base + from + end]);
                base += from + end;
                jiter = Jiter::new(&body[base..]);
                next = jiter.array_step().map_err(|error| failed(error, base))?;
            }
            Err(error) => return Err(failed(error, base)),
        }
    }
    // Behind the array of `{"events":[…]}` stands the brace that was checked before.
    if start == 0 { jiter.finish().map_err(|error| failed(error, base)) } else { Ok(()) }
}

fn is_recursion(error: &jiter::JiterError) -> bool {
    matches!(error.error_type, jiter::JiterErrorType::JsonError(jiter::JsonErrorType::RecursionLimitExceeded))
}

/// Where the object or array that begins `bytes` ends, by counting brackets outside strings.
fn end_of_value(bytes: &[u8]) -> Option<usize> {
    let (mut depth, mut in_string, mut escaped) = (0usize, false, false);
    for (at, byte) in bytes.iter().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'[' | b'{' if !in_string => depth += 1,
            b']' | b'}' if !in_string => {
                depth = depth.checked_sub(1)?;
                if depth == 0 {
                    return Some(at + 1);
                }
            }
            _ => {}
        }
    }
    None
}
