//! Columns → the JSON event that was sent.

use crate::block::{Block, Column, LEVEL, MESSAGE, Path, SERVICE, Values};
use crate::timestamp::{Spelling, Timestamp};

/// Gives events of one block back as JSON text, key order aside exactly as they were sent.
pub struct Restorer<'b> {
    block: &'b Block,
    /// Where in each column the next row is looked for; rows are usually asked in order.
    cursors: Vec<usize>,
}

/// A field on its way back into an object.
struct Field<'b> {
    keys: &'b [Box<str>],
    value: Value<'b>,
}

enum Value<'b> {
    Column(&'b Column, usize),
    Timestamp(Timestamp),
}

impl<'b> Restorer<'b> {
    /// For the events of `block`.
    pub fn new(block: &'b Block) -> Self {
        Self { block, cursors: vec![0; block.columns.len()] }
    }

    /// Appends the JSON of an event; panics when there is no such row, as slices do.
    pub fn push(&mut self, row: usize, json: &mut String) {
        let envelope = self.block.envelope(row);
        let timestamp = Value::Timestamp(Timestamp(self.block.timestamps[row]));
        let mut fields = vec![Field { keys: envelope.timestamp_path.keys(), value: timestamp }];
        for (column, cursor) in self.block.columns.iter().zip(&mut self.cursors) {
            let Some(index) = find(column, row as u32, cursor) else { continue };
            let alias = match (column.path.keys(), &column.values) {
                ([key], Values::Text(_)) if matches!(&**key, SERVICE | LEVEL | MESSAGE) => envelope.alias_of(key),
                _ => None,
            };
            let keys = alias.map_or(column.path.keys(), Path::keys);
            fields.push(Field { keys, value: Value::Column(column, index) });
        }
        // An event without a time of its own may hold an object under that name, and keeps it.
        let is_taken = fields[1..].iter().any(|field| field.keys.first() == fields[0].keys.first());
        if envelope.timestamp_spelling == Spelling::Absent && is_taken {
            fields.remove(0);
        }
        json.push('{');
        let mut written = vec![false; fields.len()];
        self.push_fields(row, &fields, &mut written, 0, 0, json);
        json.push('}');
    }

    /// Writes the fields from `start` on that share the first `depth` keys with it.
    fn push_fields(
        &self,
        row: usize,
        fields: &[Field<'_>],
        written: &mut [bool],
        start: usize,
        depth: usize,
        json: &mut String,
    ) {
        let parent = fields.get(start).map_or(&[][..], |field| &field.keys[..depth]);
        let mut first = true;
        for index in start..fields.len() {
            let field = &fields[index];
            if written[index] || field.keys.len() <= depth || field.keys[..depth] != *parent {
                continue;
            }
            if !std::mem::take(&mut first) {
                json.push(',');
            }
            push_string(&field.keys[depth], json);
            json.push(':');
            if field.keys.len() > depth + 1 {
                json.push('{');
                self.push_fields(row, fields, written, index, depth + 1, json);
                json.push('}');
            } else {
                written[index] = true;
                self.push_value(row, &field.value, json);
            }
        }
    }

    fn push_value(&self, row: usize, value: &Value<'_>, json: &mut String) {
        match value {
            Value::Timestamp(timestamp) => self.block.envelope(row).timestamp_spelling.render(*timestamp, json),
            Value::Column(column, index) => push_cell(&column.values, *index, json),
        }
    }
}

fn find(column: &Column, row: u32, cursor: &mut usize) -> Option<usize> {
    let from = match column.rows.get(*cursor) {
        Some(at) if *at <= row => *cursor,
        _ => 0,
    };
    // A few steps forward find the next of several ascending rows; else search the rest.
    for index in from..column.rows.len().min(from + 4) {
        if column.rows[index] >= row {
            *cursor = index;
            return (column.rows[index] == row).then_some(index);
        }
    }
    let offset = column.rows[from..].partition_point(|at| *at < row);
    *cursor = from + offset;
    (column.rows.get(*cursor) == Some(&row)).then_some(*cursor)
}

/// Appends value `index` as JSON.
pub fn push_cell(values: &Values, index: usize, json: &mut String) {
    match values {
        Values::Text(texts) => push_string(texts.get(index), json),
        Values::Int(values) => json.push_str(&values[index].to_string()),
        Values::Float(values) => json.push_str(ryu::Buffer::new().format_finite(values[index])),
        Values::Bool(values) => json.push_str(if values[index] { "true" } else { "false" }),
        Values::Json(texts) => json.push_str(texts.get(index)),
    }
}

/// Appends `text` as a JSON string (RFC 8259 §7): quotes, backslashes and control characters escaped.
pub fn push_string(text: &str, json: &mut String) {
    json.push('"');
    let mut plain_from = 0;
    for (at, byte) in text.bytes().enumerate() {
        let escape = match byte {
            b'"' => "\\\"",
            b'\\' => "\\\\",
            b'\n' => "\\n",
            b'\r' => "\\r",
            b'\t' => "\\t",
            0x00..=0x1f => "",
            _ => continue,
        };
        json.push_str(&text[plain_from..at]);
        if escape.is_empty() {
            json.push_str(&format!("\\u{byte:04x}"));
        } else {
            json.push_str(escape);
        }
        plain_from = at + 1;
    }
    json.push_str(&text[plain_from..]);
    json.push('"');
}
