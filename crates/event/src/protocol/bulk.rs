//! Elasticsearch's bulk requests (<https://www.elastic.co/docs/api/doc/elasticsearch/operation/operation-bulk>).
//!
//! ```text
//! {"create":{"_index":"logs","_id":"1"}}
//! {"@timestamp":"2026-03-02T10:00:00Z","message":"connection reset"}
//! ```
//!
//! A source line is the event as it stands, behind `_index` and `_id` of its action.

use std::borrow::Cow;
use std::collections::HashMap;

use crate::decode::{BodyError, Decoded};
use crate::protocol::scan::{self, Members};
use crate::protocol::write;
use crate::shred::{EventError, TimeRule};
use crate::sink::Sink;

/// Most items of a request: the answer has one for each, and all of it fits a Lambda response (6 MB).
pub const MAX_ITEMS: usize = 50_000;
/// Longest name of an index, in bytes (Elasticsearch's own limit).
pub const MAX_INDEX_BYTES: usize = 255;
/// Longest id of a document, in bytes (Elasticsearch's own limit).
pub const MAX_ID_BYTES: usize = 512;

/// What an item asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// `index`
    Index,
    /// `create`
    Create,
    /// `update`, which is refused.
    Update,
    /// `delete`, which is refused.
    Delete,
}

impl Action {
    /// Its name in the protocol.
    pub fn name(self) -> &'static str {
        match self {
            Self::Index => "index",
            Self::Create => "create",
            Self::Update => "update",
            Self::Delete => "delete",
        }
    }

    fn of(name: &[u8]) -> Option<Self> {
        [Self::Index, Self::Create, Self::Update, Self::Delete]
            .into_iter()
            .find(|action| action.name().as_bytes() == name)
    }
}

/// What became of an item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// What it asked for.
    pub action: Action,
    /// The place of its index in [`Bulk::indices`].
    pub index: u32,
    /// The id it brought.
    pub id: Option<Box<str>>,
    /// The code of its error, if it was refused. The items are numbered as the rejections are.
    pub refused: Option<&'static str>,
}

/// What a bulk request held.
#[derive(Debug, Default)]
pub struct Bulk {
    /// The events.
    pub decoded: Decoded,
    /// The items in order, one for each event and each refused.
    pub items: Vec<Item>,
    /// The names of the indices.
    pub indices: Vec<Box<str>>,
}

/// An action line, read.
struct ActionLine {
    action: Action,
    index: u32,
    id: Option<Box<str>>,
    error: Option<EventError>,
    /// The beginning of its event: `{"_index":…,"_id":…`.
    head: Vec<u8>,
}

/// Reads the items of a request; `default_index` is that of its path.
pub fn decode(body: &[u8], default_index: Option<&str>, rule: &TimeRule) -> Result<Bulk, BodyError> {
    let mut sink = Sink::new(*rule);
    let mut items: Vec<Item> = Vec::new();
    let mut indices = Indices::default();
    let mut lines = Lines { rest: body, number: 0 };
    // Shippers repeat one action line over and over.
    let mut last: (&[u8], Option<ActionLine>) = (&[], None);
    let mut event = Vec::new();
    while let Some(line) = lines.next_action() {
        if items.len() == MAX_ITEMS {
            return Err(BodyError::TooManyItems { limit: MAX_ITEMS });
        }
        let action = match last.1.take() {
            Some(action) if last.0 == line => action,
            _ => read_action(line, lines.number, default_index, &mut indices)?,
        };
        let source = if action.action == Action::Delete { None } else { lines.next() };
        let refused = match (&action.error, source) {
            (Some(error), _) => Some(sink.refuse(error.clone())),
            (None, None) => {
                let reason = "the source line is missing".to_owned();
                Some(sink.refuse(EventError::Protocol { code: "missing_source", reason }))
            }
            (None, Some(source)) => {
                event.clear();
                sink.accept(with_head(&mut event, &action.head, source))?
            }
        };
        items.push(Item { action: action.action, index: action.index, id: action.id.clone(), refused });
        last = (line, Some(action));
    }
    let decoded = sink.finish()?;
    Ok(Bulk { decoded, items, indices: indices.names })
}

/// The event of a source line. A source that is no object stays what it is, and is refused.
fn with_head<'e>(event: &'e mut Vec<u8>, head: &[u8], source: &'e [u8]) -> &'e [u8] {
    let source = source.trim_ascii();
    let Some(members) = source.strip_prefix(b"{").map(<[u8]>::trim_ascii_start) else { return source };
    event.extend_from_slice(head);
    if members.first() != Some(&b'}') {
        write::comma(event);
    }
    event.extend_from_slice(members);
    event
}

struct Lines<'b> {
    rest: &'b [u8],
    number: usize,
}

impl<'b> Lines<'b> {
    fn next(&mut self) -> Option<&'b [u8]> {
        if self.rest.is_empty() {
            return None;
        }
        self.number += 1;
        let end = memchr::memchr(b'\n', self.rest).unwrap_or(self.rest.len());
        let (line, rest) = self.rest.split_at(end);
        self.rest = rest.get(1..).unwrap_or_default();
        Some(line)
    }

    /// Blank lines before an action are passed over.
    fn next_action(&mut self) -> Option<&'b [u8]> {
        loop {
            let line = self.next()?.trim_ascii();
            if !line.is_empty() {
                return Some(line);
            }
        }
    }
}

#[derive(Default)]
struct Indices {
    names: Vec<Box<str>>,
    places: HashMap<Box<str>, u32>,
}

impl Indices {
    fn place(&mut self, name: &str) -> u32 {
        if let Some(place) = self.places.get(name) {
            return *place;
        }
        let place = self.names.len() as u32;
        self.names.push(name.into());
        self.places.insert(name.into(), place);
        place
    }
}

/// Reads an action line. One that does not even say whether a source line follows makes the rest unreadable.
fn read_action(
    line: &[u8],
    number: usize,
    default_index: Option<&str>,
    indices: &mut Indices,
) -> Result<ActionLine, BodyError> {
    let malformed = |reason: String| BodyError::Malformed {
        expected: "a bulk request",
        reason: format!("malformed action/metadata line [{number}], {reason}"),
    };
    let mut members = Members::of(line).map_err(|_| malformed("expected an object".to_owned()))?;
    let first = members.next().map_err(|_| malformed("expected a name and an object".to_owned()))?;
    let (name, metadata) = first.ok_or_else(|| malformed("found an empty object".to_owned()))?;
    let action = Action::of(name).ok_or_else(|| {
        let found = String::from_utf8_lossy(name.get(..64).unwrap_or(name)).into_owned();
        malformed(format!("expected one of [create, delete, index, update] but found [{found}]"))
    })?;
    let is_alone = matches!(members.next(), Ok(None)) && members.rest().is_empty();
    let read =
        if is_alone { read_metadata(metadata) } else { Err(invalid("the action line has more than its action")) };
    let (error, index, id) = match read {
        Ok((index, id)) => (None, index, id),
        Err(error) => (Some(error), None, None),
    };
    let index = index.or(default_index.map(Cow::Borrowed)).unwrap_or_default();
    let error = error.or(match action {
        Action::Update | Action::Delete => Some(EventError::Protocol {
            code: "unsupported_action",
            reason: format!("{} is not supported: events are added, never changed", action.name()),
        }),
        _ if index.is_empty() => {
            Some(EventError::Protocol { code: "missing_index", reason: "index is missing".to_owned() })
        }
        _ if index.len() > MAX_INDEX_BYTES => Some(EventError::Protocol {
            code: "invalid_index",
            reason: format!("the name of the index is longer than {MAX_INDEX_BYTES} bytes"),
        }),
        _ if index.starts_with('_') => Some(EventError::Protocol {
            code: "invalid_index",
            reason: "the name of an index must not start with '_'".to_owned(),
        }),
        _ => None,
    });
    let mut head = vec![b'{'];
    write::text(&mut head, "_index", &index);
    if let Some(id) = &id {
        write::text(&mut head, "_id", id);
    }
    let place = indices.place(if index.len() > MAX_INDEX_BYTES { "" } else { &index });
    Ok(ActionLine { action, index: place, id, error, head })
}

type Metadata<'l> = (Option<Cow<'l, str>>, Option<Box<str>>);

fn read_metadata(json: &[u8]) -> Result<Metadata<'_>, EventError> {
    let (mut index, mut id) = (None, None);
    let broken = |_| invalid("the metadata of the action is no JSON object");
    let mut members = Members::of(json).map_err(broken)?;
    while let Some((name, value)) = members.next().map_err(broken)? {
        match name {
            _ if value == b"null" => {}
            b"_index" => index = Some(scan::text(value).ok_or(invalid("_index is not a string"))?),
            b"_id" => {
                // Numbers are taken as ids, as Elasticsearch does.
                let text = scan::text(value).or_else(|| std::str::from_utf8(value).ok().map(Cow::Borrowed));
                let text = text.ok_or(invalid("_id is not a string"))?;
                if text.len() > MAX_ID_BYTES {
                    return Err(invalid(format!("_id is longer than {MAX_ID_BYTES} bytes")));
                }
                id = Some(text.into());
            }
            _ => {}
        }
    }
    Ok((index, id))
}

fn invalid(reason: impl Into<String>) -> EventError {
    EventError::Protocol { code: "invalid_action", reason: reason.into() }
}
