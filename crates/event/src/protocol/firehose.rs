//! Deliveries of Amazon Data Firehose to an HTTP endpoint
//! (<https://docs.aws.amazon.com/firehose/latest/dev/httpdeliveryrequestresponse.html>).
//!
//! A record is base64 of JSON events, of lines of text, or of what a subscription to CloudWatch Logs
//! delivers, gzip included
//! (<https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/SubscriptionFilters.html>).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::decode::{BodyError, Decoded, Encoding, decompress_within};
use crate::limits::MAX_DECODED_BYTES;
use crate::protocol::scan::{self, Broken, Elements, Members, Piece, Pieces};
use crate::protocol::write;
use crate::shred::{EventError, TimeRule};
use crate::sink::Sink;

const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

/// What a request of Firehose held.
#[derive(Debug, Default)]
pub struct Delivery {
    /// The events.
    pub decoded: Decoded,
    /// The id that a repeated request has too.
    pub request_id: Option<String>,
}

/// Reads the records of a delivery. `common_attributes` is the object of the header
/// `X-Amz-Firehose-Common-Attributes`, which every event gets.
pub fn decode(body: &[u8], common_attributes: Option<&[u8]>, rule: &TimeRule) -> Result<Delivery, BodyError> {
    let (mut request_id, mut records) = (None, &b"[]"[..]);
    let mut members = Members::of(body)?;
    while let Some((name, value)) = members.next()? {
        match name {
            b"requestId" => request_id = scan::text(value).map(|id| id.into_owned()),
            b"records" => records = value,
            _ => {}
        }
    }
    scan::ends(body, members.rest())?;
    let mut decoder = Decoder::new(common_attributes.unwrap_or_default(), rule);
    let mut all = Elements::of(records)?;
    while let Some(record) = all.next()? {
        match data_of(record) {
            Ok(data) => decoder.record(&data)?,
            Err(error) => {
                decoder.sink.refuse(error);
            }
        }
    }
    Ok(Delivery { decoded: decoder.sink.finish_any(), request_id })
}

fn data_of(record: &[u8]) -> Result<Vec<u8>, EventError> {
    let mut members = Members::of(record)?;
    while let Some((name, value)) = members.next()? {
        if name == b"data" {
            let text = scan::text(value).ok_or_else(|| invalid("the data of the record is not a string"))?;
            return STANDARD
                .decode(text.as_bytes())
                .map_err(|error| invalid(format!("the data of the record: {error}")));
        }
    }
    Err(invalid("the record has no data"))
}

fn invalid(reason: impl Into<String>) -> EventError {
    EventError::Protocol { code: "invalid_record", reason: reason.into() }
}

struct Decoder<'a> {
    sink: Sink,
    common_attributes: &'a [u8],
    /// How many bytes compressed records may still come to.
    bytes_left: usize,
    event: Vec<u8>,
}

impl<'a> Decoder<'a> {
    fn new(common_attributes: &'a [u8], rule: &TimeRule) -> Self {
        Self { sink: Sink::new(*rule), common_attributes, bytes_left: MAX_DECODED_BYTES, event: Vec::new() }
    }

    fn record(&mut self, data: &[u8]) -> Result<(), BodyError> {
        if !data.starts_with(&GZIP_MAGIC) {
            return self.pieces(data);
        }
        match decompress_within(data, Encoding::Gzip, self.bytes_left) {
            Ok(data) => {
                self.bytes_left -= data.len();
                self.pieces(&data)
            }
            Err(error @ BodyError::Compression { .. }) => {
                self.sink.refuse(invalid(format!("the data of the record: {error}")));
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    fn pieces(&mut self, data: &[u8]) -> Result<(), BodyError> {
        for piece in Pieces::of(data) {
            match piece {
                Piece::Value(object) if object.first() == Some(&b'{') => match subscription(object) {
                    Some(message) => self.subscription(&message)?,
                    None => self.object(object)?,
                },
                // An array of objects is events; any other is what a line of text begins with, such as `[warn] …`.
                Piece::Value(array) => self.array(array)?,
                // An object that does not end is refused as what it is.
                Piece::Line(line) if line.first() == Some(&b'{') => {
                    self.sink.accept(line)?;
                }
                Piece::Line(line) => self.text(line)?,
            }
        }
        Ok(())
    }

    fn array(&mut self, array: &[u8]) -> Result<(), BodyError> {
        let is_of_objects = || -> Result<bool, Broken> {
            let mut elements = Elements::of(array)?;
            while let Some(element) = elements.next()? {
                if element.first() != Some(&b'{') {
                    return Ok(false);
                }
            }
            Ok(true)
        };
        if !is_of_objects().unwrap_or(false) {
            return self.text(array);
        }
        let mut elements = Elements::of(array)?;
        while let Some(element) = elements.next()? {
            self.object(element)?;
        }
        Ok(())
    }

    fn object(&mut self, object: &[u8]) -> Result<(), BodyError> {
        if self.common_attributes.is_empty() {
            self.sink.accept(object)?;
            return Ok(());
        }
        self.event.clear();
        self.event.push(b'{');
        self.write_common();
        let members = object.get(1..).unwrap_or_default().trim_ascii_start();
        if members.first() != Some(&b'}') {
            write::comma(&mut self.event);
        }
        self.event.extend_from_slice(members);
        self.sink.accept(&self.event)?;
        Ok(())
    }

    fn text(&mut self, line: &[u8]) -> Result<(), BodyError> {
        self.event.clear();
        self.event.push(b'{');
        write::text(&mut self.event, "message", &String::from_utf8_lossy(line));
        self.write_common();
        self.event.push(b'}');
        self.sink.accept(&self.event)?;
        Ok(())
    }

    fn write_common(&mut self) {
        if !self.common_attributes.is_empty() {
            write::raw(&mut self.event, "common_attributes", self.common_attributes);
        }
    }

    /// The events of a message of CloudWatch Logs; a message that tries the connection has none.
    fn subscription(&mut self, message: &Subscription<'_>) -> Result<(), BodyError> {
        if message.is_control {
            return Ok(());
        }
        let mut events = Elements::of(message.log_events)?;
        while let Some(event) = events.next()? {
            self.event.clear();
            self.event.push(b'{');
            match Members::of(event) {
                Ok(_) => {
                    self.write_common();
                    write::comma(&mut self.event);
                    self.event.extend_from_slice(&message.shared);
                    let members = event.get(1..).unwrap_or_default().trim_ascii_start();
                    if members.first() != Some(&b'}') {
                        write::comma(&mut self.event);
                    }
                    self.event.extend_from_slice(members);
                    self.sink.accept(&self.event)?;
                }
                Err(broken) => {
                    self.sink.refuse(broken.into());
                }
            }
        }
        Ok(())
    }
}

/// A message of a subscription to CloudWatch Logs.
struct Subscription<'b> {
    is_control: bool,
    log_events: &'b [u8],
    /// Its other members, as members of each event.
    shared: Vec<u8>,
}

/// Reads an object as such a message, if it is one.
fn subscription(object: &[u8]) -> Option<Subscription<'_>> {
    let (mut kind, mut log_events, mut shared) = (&[][..], None, Vec::new());
    let mut members = Members::of(object).ok()?;
    while let Some((name, value)) = members.next().ok()? {
        match name {
            b"messageType" => kind = value,
            b"logEvents" => log_events = Some(value),
            _ => {
                write::raw_key(&mut shared, [b"\"", name, b"\""].concat().as_slice());
                shared.extend_from_slice(value);
            }
        }
    }
    let is_control = kind == b"\"CONTROL_MESSAGE\"";
    let log_events = log_events.filter(|_| is_control || kind == b"\"DATA_MESSAGE\"")?;
    Some(Subscription { is_control, log_events, shared })
}

/// The object in `{"commonAttributes":{…}}`, the value of the header `X-Amz-Firehose-Common-Attributes`, if there is
/// anything in it.
pub fn common_attributes(header: &[u8]) -> Result<Option<&[u8]>, BodyError> {
    let mut common = None;
    let mut members = Members::of(header)?;
    while let Some((name, value)) = members.next()? {
        if name == b"commonAttributes" {
            let mut attributes = Members::of(value)?;
            common = attributes.next()?.map(|_| value);
        }
    }
    Ok(common)
}
