//! A record as an event of the HTTP Event Collector ("Format events for HTTP Event Collector").

use std::io::Write;

use crate::egress::moment::since_1970;
use crate::format::Format;
use crate::log::Line;
use crate::read::Entry;

/// What is the same for all events.
#[derive(Debug, Clone)]
pub(super) struct Envelope {
    pub(super) format: Format,
    pub(super) source: Box<str>,
    pub(super) sourcetype: Box<str>,
    pub(super) index: Option<Box<str>>,
}

impl Envelope {
    /// The event of a line; `None` if it is no record.
    pub(super) fn wrap(&self, line: &Line) -> Option<Vec<u8>> {
        let entry = Entry::parse(&line.bytes).ok()?;
        let mut out = Vec::with_capacity(line.bytes.len() + 256);
        out.push(b'{');
        if let Some(time) = since_1970(&entry.ts) {
            // Writing to memory cannot fail.
            let _ = write!(out, "\"time\":{}.{:03},", time.as_secs(), time.subsec_millis());
        }
        let index = self.index.as_deref().map(|index| ("index", index));
        let texts = [("host", &*entry.node), ("source", &self.source), ("sourcetype", &self.sourcetype)];
        for (name, text) in texts.into_iter().chain(index) {
            let _ = write!(out, "\"{name}\":{},", quoted(text));
        }
        let _ = write!(out, "\"fields\":{{\"id\":{},\"kind\":{}}},", quoted(&entry.id), quoted(&entry.kind));
        out.extend_from_slice(b"\"event\":");
        self.format.write(&entry, &line.bytes, &mut out);
        out.push(b'}');
        Some(out)
    }
}

fn quoted(text: &str) -> serde_json::Value {
    serde_json::Value::from(text)
}
