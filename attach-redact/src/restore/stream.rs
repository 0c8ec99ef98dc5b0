//! A streamed answer, event by event.

use std::collections::BTreeMap;
use std::fmt;

use attach_core::Exchange;
use attach_core::body::{End, Guard, Step, lines, sse_events};
use attach_core::json::{Document, Edit};
use attach_core::usage::Wire;
use bytes::Bytes;

use super::delta::{self, Delta, Ends, Field, Slot};
use super::flush;
use super::text::{Restorer, Tally};
use super::unary;
use crate::vault::Vault;

/// Running texts of one answer that are kept apart; an answer with more is restored piece by piece.
const MOST: usize = 1024;

/// Restores the running texts of a stream. Whatever needs no change goes on as it came.
pub(crate) struct Stream {
    vault: Vault,
    wire: Wire,
    exchange: Exchange,
    texts: BTreeMap<Slot, Running>,
    tally: Tally,
}

struct Running {
    restorer: Restorer,
    /// The last event that had a piece of this text.
    last: Option<Document>,
}

impl Stream {
    pub(crate) fn new(vault: Vault, wire: Wire, exchange: Exchange) -> Self {
        Self { vault, wire, exchange, texts: BTreeMap::new(), tally: Tally::default() }
    }

    /// The frame with everything restored that can be by now.
    fn restore(&mut self, frame: &Bytes) -> Option<Vec<u8>> {
        let mut out = Changed::new(frame);
        match self.wire {
            Wire::Sse => sse_events(frame).for_each(|event| self.sse(event.raw, &event.data, &mut out)),
            _ => lines(frame).for_each(|line| self.ndjson(line, &mut out)),
        }
        out.bytes
    }

    fn sse(&mut self, raw: &[u8], data: &str, out: &mut Changed<'_>) {
        let data = data.trim_matches([' ', '\n', '\r']);
        if data.is_empty() {
            return out.keep(raw);
        }
        if data == "[DONE]" {
            self.flush(Ends::All, out);
            return out.keep(raw);
        }
        match self.document(data.as_bytes(), out) {
            None => out.keep(raw),
            Some(changed) => out.insert(&replaced_data(raw, &changed)),
        }
    }

    fn ndjson(&mut self, line: &[u8], out: &mut Changed<'_>) {
        let text = line.trim_ascii();
        match if text.is_empty() { None } else { self.document(text, out) } {
            None => out.keep(line),
            Some(mut changed) => {
                changed.push(b'\n');
                out.insert(&changed);
            }
        }
    }

    /// Restores one event; gives it if it changed.
    fn document(&mut self, json: &[u8], out: &mut Changed<'_>) -> Option<Vec<u8>> {
        let json = Bytes::copy_from_slice(json);
        let Ok(document) = Document::parse(json.clone()) else {
            return unary::restore_bytes(&json, &self.vault, &mut self.tally);
        };
        let root = document.root();
        let deltas = delta::deltas(root);
        let ends = delta::ends(root);
        let mut edits = Vec::new();
        for delta in &deltas {
            let last = ends.iter().any(|ends| ends.include(delta.slot));
            edits.extend(self.delta(&document, delta, last));
        }
        for end in ends {
            self.flush(end, out);
        }
        let running = |value: attach_core::json::Value<'_>| {
            deltas.iter().any(|delta| delta.node == value.id()) || is_signed_delta(value)
        };
        edits.extend(unary::edits(root, &self.vault, &mut self.tally, running));
        if edits.is_empty() {
            return None;
        }
        document.splice(&edits).ok().map(|spliced| spliced.bytes().to_vec())
    }

    fn delta(&mut self, document: &Document, delta: &Delta, last: bool) -> Option<Edit> {
        let piece = document.value(delta.node).as_str()?;
        if self.texts.len() >= MOST && !self.texts.contains_key(&delta.slot) {
            return None;
        }
        let running = self
            .texts
            .entry(delta.slot)
            .or_insert_with(|| Running { restorer: Restorer::new(delta.slot.into()), last: None });
        let mut restored = String::with_capacity(piece.len());
        running.restorer.push(&self.vault, &piece, last, &mut self.tally, &mut restored);
        running.last = running.restorer.holds().then(|| document.clone());
        (restored != piece).then(|| Edit::string(delta.node, restored))
    }

    /// Lets out what is held of the texts that end, each in an event of its own.
    fn flush(&mut self, ends: Ends, out: &mut Changed<'_>) {
        let slots: Vec<Slot> = self.texts.keys().copied().filter(|slot| ends.include(*slot)).collect();
        for slot in slots {
            let Some(mut running) = self.texts.remove(&slot) else { continue };
            let Some(like) = running.last.filter(|_| running.restorer.holds()) else { continue };
            let mut rest = String::new();
            running.restorer.push(&self.vault, "", true, &mut self.tally, &mut rest);
            out.insert(&self.framed(slot, &flush::event(slot, &rest, &like)));
        }
    }

    fn framed(&self, slot: Slot, json: &[u8]) -> Vec<u8> {
        if self.wire == Wire::Ndjson {
            return [json, b"\n"].concat();
        }
        let name = match slot.field {
            Field::BlockText | Field::BlockJson => "event: content_block_delta\n".to_owned(),
            Field::Item(_) => {
                let kind = Document::parse(Bytes::copy_from_slice(json)).ok();
                let kind = kind.and_then(|json| Some(json.root().get("type")?.as_str()?.into_owned()));
                kind.map(|kind| format!("event: {kind}\n")).unwrap_or_default()
            }
            _ => String::new(),
        };
        [name.as_bytes(), b"data: ", json, b"\n\n"].concat()
    }

    fn note(&mut self) {
        super::note(&self.exchange, std::mem::take(&mut self.tally));
    }
}

impl Ends {
    fn include(self, slot: Slot) -> bool {
        match self {
            Self::None => false,
            Self::All => true,
            Self::Choice(choice) => slot.choice == choice,
        }
    }
}

/// A piece of thinking: signed, so it stays as it is.
fn is_signed_delta(value: attach_core::json::Value<'_>) -> bool {
    let kind = value.parent().and_then(|parent| parent.get("type")?.as_str());
    kind.as_deref() == Some("thinking_delta")
}

impl Guard for Stream {
    fn frame(&mut self, frame: Bytes, last: bool) -> Step {
        let mut restored = self.restore(&frame);
        if last {
            let mut rest = Changed::new(&[]);
            self.flush(Ends::All, &mut rest);
            if let Some(rest) = rest.bytes {
                restored.get_or_insert_with(|| frame.to_vec()).extend_from_slice(&rest);
            }
        }
        self.note();
        Step::Pass(restored.map_or(frame, Bytes::from))
    }

    fn end(&mut self) -> Step {
        let mut rest = Changed::new(&[]);
        self.flush(Ends::All, &mut rest);
        self.note();
        Step::Pass(rest.bytes.unwrap_or_default().into())
    }

    fn keeps_length(&self) -> bool {
        false
    }

    fn done(&mut self, _: End) {
        self.note();
        self.texts.clear();
    }
}

impl fmt::Debug for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stream")
            .field("vault", &self.vault)
            .field("texts", &self.texts.len())
            .finish_non_exhaustive()
    }
}

/// A frame that is copied from the first change on.
struct Changed<'f> {
    frame: &'f [u8],
    kept: usize,
    bytes: Option<Vec<u8>>,
}

impl<'f> Changed<'f> {
    fn new(frame: &'f [u8]) -> Self {
        Self { frame, kept: 0, bytes: None }
    }

    fn keep(&mut self, raw: &[u8]) {
        match &mut self.bytes {
            Some(bytes) => bytes.extend_from_slice(raw),
            None => self.kept += raw.len(),
        }
    }

    fn insert(&mut self, new: &[u8]) {
        let kept = self.frame.get(..self.kept).unwrap_or_default();
        self.bytes.get_or_insert_with(|| kept.to_vec()).extend_from_slice(new);
    }
}

/// The event with other data, its other lines as they were.
fn replaced_data(raw: &[u8], data: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(raw.len() + data.len());
    let mut rest = raw;
    let mut written = false;
    while !rest.is_empty() {
        let length = memchr::memchr2(b'\n', b'\r', rest).unwrap_or(rest.len());
        let ending = if rest[length..].starts_with(b"\r\n") { 2 } else { usize::from(length < rest.len()) };
        let (line, after) = rest.split_at(length + ending);
        rest = after;
        if !line.starts_with(b"data") {
            out.extend_from_slice(line);
        } else if !std::mem::replace(&mut written, true) {
            for part in data.split(|byte| *byte == b'\n') {
                out.extend_from_slice(b"data: ");
                out.extend_from_slice(part);
                out.extend_from_slice(
                    line.get(length..).filter(|ending| !ending.is_empty()).unwrap_or(b"\n"),
                );
            }
        }
    }
    out
}
