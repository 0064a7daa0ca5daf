//! Where decoders put events: checked, shredded, and cut into parts.

use crate::columns::Stop;
use crate::decode::{BodyError, Decoded, PART_RAW_BYTES, Rejection};
use crate::fields::Fields;
use crate::limits::{MAX_DECODED_BYTES, MAX_LISTED_REJECTIONS};
use crate::shred::{EventError, Shredder, TimeRule};

/// Takes events in and cuts them into parts.
pub(crate) struct Sink {
    rule: TimeRule,
    shredder: Shredder,
    /// Raw bytes of the part in work, refused events included: cuts must not depend on the clock.
    part_bytes: usize,
    /// Bytes of all events that a decoder built.
    built_bytes: usize,
    next_index: u64,
    decoded: Decoded,
}

impl Sink {
    /// For the events of one body.
    pub(crate) fn new(rule: TimeRule) -> Self {
        let decoded = Decoded { all_timestamped: true, ..Decoded::default() };
        Self { rule, shredder: Shredder::default(), part_bytes: 0, built_bytes: 0, next_index: 0, decoded }
    }

    /// Takes an event as it stands in the body; the code of its error when it is refused.
    pub(crate) fn push(&mut self, json: &[u8]) -> Option<&'static str> {
        if self.part_bytes > 0 && self.part_bytes + json.len() > PART_RAW_BYTES {
            self.cut();
        }
        self.part_bytes += json.len();
        match self.shredder.push(json, &self.rule) {
            Ok(()) => {
                self.next_index += 1;
                self.decoded.accepted += 1;
                None
            }
            Err(error) => Some(self.refuse(error)),
        }
    }

    /// Takes an event that a decoder built. What it copied into each event is bounded here.
    pub(crate) fn accept(&mut self, json: &[u8]) -> Result<Option<&'static str>, BodyError> {
        self.built_bytes += json.len();
        if self.built_bytes > MAX_DECODED_BYTES {
            return Err(BodyError::ExpandedTooLarge);
        }
        Ok(self.push(json))
    }

    /// Takes an event whose fields `write` gives, of at most `most_bytes` as JSON (or nearly). `false` when it has to be
    /// built as JSON instead, since a key comes twice in it.
    pub(crate) fn accept_fields(
        &mut self,
        most_bytes: usize,
        write: impl FnOnce(&mut Fields<'_>) -> Result<(), Stop>,
    ) -> Result<bool, BodyError> {
        if self.part_bytes > 0 && self.part_bytes + most_bytes > PART_RAW_BYTES {
            self.cut();
        }
        let (json_bytes, pushed) = self.shredder.push_fields(&self.rule, write);
        if pushed == Ok(false) {
            return Ok(false);
        }
        self.part_bytes += json_bytes;
        self.built_bytes += json_bytes;
        if self.built_bytes > MAX_DECODED_BYTES {
            return Err(BodyError::ExpandedTooLarge);
        }
        match pushed {
            Ok(_) => {
                self.next_index += 1;
                self.decoded.accepted += 1;
            }
            Err(error) => {
                self.refuse(error);
            }
        }
        Ok(true)
    }

    /// Counts an event that its decoder refuses; gives the code of the error.
    pub(crate) fn refuse(&mut self, error: EventError) -> &'static str {
        let code = error.code();
        self.decoded.rejected += 1;
        if self.decoded.rejections.len() < MAX_LISTED_REJECTIONS {
            self.decoded.rejections.push(Rejection { index: self.next_index, error });
        }
        self.next_index += 1;
        code
    }

    /// When the events arrived.
    pub(crate) fn received(&self) -> crate::Timestamp {
        self.rule.received
    }

    fn cut(&mut self) {
        self.part_bytes = 0;
        let shredder = std::mem::take(&mut self.shredder);
        self.decoded.all_timestamped &= shredder.all_timestamped();
        self.decoded.parts.push(shredder.finish());
    }

    /// What the body held, if it held anything.
    pub(crate) fn finish(self) -> Result<Decoded, BodyError> {
        if self.next_index == 0 { Err(BodyError::Empty) } else { Ok(self.finish_any()) }
    }

    /// What the body held, also when that is nothing.
    pub(crate) fn finish_any(mut self) -> Decoded {
        self.cut();
        self.decoded
    }
}
