//! Where decoders put events: checked, shredded, and cut into parts.

use crate::decode::{BodyError, Decoded, PART_RAW_BYTES, Rejection};
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
