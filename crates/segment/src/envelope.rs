//! Envelopes as text: a JSON object of what is not by custom.
//!
//! `{"timestamp":["@timestamp"],"spelling":"rfc3339 T 6 Z","message":["msg"]}`; keys that
//! are absent have the value of the default [`Envelope`], which itself is null.

use serde::{Deserialize, Serialize};
use trawl_event::Path;
use trawl_event::block::Envelope;

use crate::error::{Error, Result};

#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct Text {
    #[serde(skip_serializing_if = "Option::is_none")]
    timestamp: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    spelling: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    service: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    level: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<Vec<String>>,
}

/// The text of an envelope, `None` for the default.
pub(crate) fn to_text(envelope: &Envelope) -> Result<Option<String>> {
    let usual = Envelope::default();
    if *envelope == usual {
        return Ok(None);
    }
    let keys = |path: &Path| path.keys().iter().map(|key| key.to_string()).collect::<Vec<_>>();
    let text = Text {
        timestamp: (envelope.timestamp_path != usual.timestamp_path).then(|| keys(&envelope.timestamp_path)),
        spelling: (envelope.timestamp_spelling != usual.timestamp_spelling)
            .then(|| envelope.timestamp_spelling.to_string()),
        service: envelope.service_alias.as_ref().map(keys),
        level: envelope.level_alias.as_ref().map(keys),
        message: envelope.message_alias.as_ref().map(keys),
    };
    let text = serde_json::to_string(&text).map_err(|error| Error::corrupt(error.to_string()))?;
    Ok(Some(text))
}

/// The envelope of a text.
pub(crate) fn from_text(text: &str) -> Result<Envelope> {
    let text: Text = serde_json::from_str(text).map_err(|_| Error::corrupt("an envelope cannot be read"))?;
    let usual = Envelope::default();
    let spelling = match text.spelling {
        Some(spelling) => spelling.parse().map_err(|()| Error::corrupt("a timestamp's spelling cannot be read"))?,
        None => usual.timestamp_spelling,
    };
    Ok(Envelope {
        timestamp_path: text.timestamp.map_or(usual.timestamp_path, Path::new),
        timestamp_spelling: spelling,
        service_alias: text.service.map(Path::new),
        level_alias: text.level.map(Path::new),
        message_alias: text.message.map(Path::new),
    })
}
