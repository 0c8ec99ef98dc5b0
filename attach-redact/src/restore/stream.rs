//! A streamed answer, event by event.

use std::collections::BTreeMap;
use std::fmt;

use attach_core::Exchange;
use attach_core::body::{End, Events, Guard, Step, lines, sse_events};
use attach_core::json::{Document, Edit, Value};
use attach_core::usage::Wire;
use bytes::Bytes;

use super::delta::{self, Delta, Ends, Field, Slot};
use super::frame::{Changed, replaced_data, replaced_line, separator};
use super::shape::Shape;
use super::text::{Into, Restorer, Tally};
use super::tools::Calls;
use super::unary::{self, Treat};
use super::{flush, response};
use crate::vault::Vault;

/// Running texts of one answer that are followed; of an answer with more the others stay as they are.
const MOST: usize = 1024;

/// Restores the running texts of a stream. Whatever needs no change goes on as it came.
pub(crate) struct Stream {
    vault: Vault,
    wire: Wire,
    exchange: Exchange,
    /// Makes frames whole events, if nobody further in does.
    events: Option<Events>,
    texts: BTreeMap<Slot, Running>,
    calls: Calls,
    /// What the last event with a piece of one text looked like.
    shape: Option<Shape>,
    tally: Tally,
    /// What an event of ours that comes next begins with.
    separator: &'static [u8],
}

struct Running {
    restorer: Restorer,
    /// The last event that had a piece of this text.
    last: Option<Document>,
}

impl Stream {
    /// Restores frames of whole events.
    pub(crate) fn new(vault: Vault, wire: Wire, exchange: Exchange) -> Self {
        Self {
            vault,
            wire,
            exchange,
            events: None,
            texts: BTreeMap::new(),
            calls: Calls::default(),
            shape: None,
            tally: Tally::default(),
            separator: b"",
        }
    }

    /// Restores frames that may end anywhere.
    pub(crate) fn reframing(self) -> Self {
        Self { events: Some(Events::new(self.wire)), ..self }
    }

    /// The frame with everything restored that can be by now.
    fn restore(&mut self, frame: Bytes) -> Bytes {
        if self.passes(&frame) {
            // The whole frame is one event like the last one, so it also ends like it.
            return frame;
        }
        let mut out = Changed::new(&frame);
        match self.wire {
            Wire::Sse => sse_events(&frame).for_each(|event| self.sse(event.raw, &event.data, &mut out)),
            _ => lines(&frame).for_each(|line| self.ndjson(line, &mut out)),
        }
        if !frame.is_empty() {
            self.separator = separator(self.wire, &frame);
        }
        let changed = out.bytes.map(Bytes::from);
        changed.unwrap_or(frame)
    }

    fn sse(&mut self, raw: &[u8], data: &str, out: &mut Changed<'_>) {
        let data = data.trim_matches([' ', '\n', '\r']);
        if data.is_empty() || self.passes(raw) {
            return out.keep(raw);
        }
        if data == "[DONE]" {
            self.flush(Ends::All, out);
            return out.keep(raw);
        }
        match self.document(raw, data.as_bytes(), out) {
            None => out.keep(raw),
            Some(changed) => out.insert(&replaced_data(raw, &changed)),
        }
    }

    fn ndjson(&mut self, line: &[u8], out: &mut Changed<'_>) {
        let text = line.trim_ascii();
        if text.is_empty() || self.passes(line) {
            return out.keep(line);
        }
        match self.document(line, text, out) {
            None => out.keep(line),
            Some(changed) => out.insert(&replaced_line(line, &changed)),
        }
    }

    /// Whether the event `raw` is like the last one but for words that need no change.
    fn passes(&mut self, raw: &[u8]) -> bool {
        let Some(shape) = &self.shape else { return false };
        let Some(piece) = shape.piece(raw) else { return false };
        self.texts.get_mut(&shape.slot).is_some_and(|running| running.restorer.passes(piece))
    }

    /// Restores one event, whose JSON is in `raw`; gives it if it changed.
    fn document(&mut self, raw: &[u8], json: &[u8], out: &mut Changed<'_>) -> Option<Vec<u8>> {
        let Ok(document) = Document::parse(Bytes::copy_from_slice(json)) else {
            return self.unreadable(json, out);
        };
        let root = document.root();
        let begins = self.calls.read(root, self.vault.external());
        let deltas = delta::deltas(root);
        let ends = delta::ends(root);
        let mut edits = Vec::new();
        for delta in &deltas {
            let last = ends.iter().any(|ends| ends.include(delta.slot));
            edits.extend(self.delta(&document, delta, last));
        }
        for end in &ends {
            self.flush(*end, out);
        }
        let running = edits.len();
        if super::may_have_any(json) {
            edits.extend(self.whole(root, &deltas));
        }
        if let ([delta], true) = (&*deltas, ends.is_empty() && edits.is_empty() && !begins) {
            self.shape = Shape::of(raw, json, root, delta.slot, delta.node);
        }
        if edits.is_empty() {
            return None;
        }
        let spliced = document.splice(&edits).or_else(|_| {
            // Two keys became one. What runs must not be lost for that.
            self.tally = self.tally.undone();
            edits.truncate(running);
            document.splice(&edits)
        });
        spliced.ok().map(|spliced| spliced.bytes().to_vec())
    }

    /// An event that is no strict JSON: what was held comes first, and nothing is restored that could go into a URL.
    fn unreadable(&mut self, json: &[u8], out: &mut Changed<'_>) -> Option<Vec<u8>> {
        let slots: Vec<Slot> = self.texts.keys().copied().collect();
        slots.into_iter().for_each(|slot| self.let_out(slot, out));
        if !self.vault.external().is_empty() || self.texts.values().any(|text| text.restorer.is_in_url()) {
            return None;
        }
        unary::restore_bytes(json, &self.vault, &mut self.tally)
    }

    /// What changes in the texts of an event that are whole.
    fn whole(&mut self, root: Value<'_>, deltas: &[Delta]) -> Vec<Edit> {
        let Self { vault, calls, tally, .. } = self;
        let treat = |value: Value<'_>| {
            if deltas.iter().any(|delta| delta.node == value.id()) || is_signed_delta(value) {
                Treat::Skip
            } else if calls.keeps_whole(value, vault.external()) {
                Treat::Keep
            } else {
                Treat::Restore
            }
        };
        unary::edits(root, vault, tally, treat)
    }

    fn delta(&mut self, document: &Document, delta: &Delta, last: bool) -> Option<Edit> {
        let piece = document.value(delta.node).as_str()?;
        if self.texts.len() >= MOST && !self.texts.contains_key(&delta.slot) {
            return None;
        }
        let running = self
            .texts
            .entry(delta.slot)
            .or_insert_with(|| Running { restorer: Restorer::default(), last: None });
        let keep = self.calls.keeps(delta.slot, self.vault.external());
        running.restorer.goes_into(if keep { Into::Nothing } else { delta.slot.into() });
        let mut restored = String::with_capacity(piece.len());
        running.restorer.push(&self.vault, &piece, last, &mut self.tally, &mut restored);
        running.last = running.restorer.holds().then(|| document.clone());
        (restored != piece).then(|| Edit::string(delta.node, restored))
    }

    /// Lets out what is held of the texts that end.
    fn flush(&mut self, ends: Ends, out: &mut Changed<'_>) {
        let slots: Vec<Slot> = self.texts.keys().copied().filter(|slot| ends.include(*slot)).collect();
        for slot in slots {
            self.let_out(slot, out);
            self.texts.remove(&slot);
        }
    }

    /// Lets out what is held of a text, in an event of its own.
    fn let_out(&mut self, slot: Slot, out: &mut Changed<'_>) {
        let Some(running) = self.texts.get_mut(&slot) else { return };
        let Some(like) = running.last.take().filter(|_| running.restorer.holds()) else { return };
        let mut rest = String::new();
        running.restorer.push(&self.vault, "", true, &mut self.tally, &mut rest);
        out.insert(&self.framed(slot, &flush::event(slot, &rest, &like)));
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

    /// What is held of all texts, as the end of the stream.
    fn rest(&mut self) -> Option<Vec<u8>> {
        let mut rest = Changed::new(&[]);
        self.flush(Ends::All, &mut rest);
        rest.bytes.map(|rest| [self.separator, &rest].concat())
    }

    /// The frame restored, and with all that is held if it is the `last`.
    fn step(&mut self, frame: Bytes, last: bool) -> Step {
        let mut restored = self.restore(frame);
        if last && let Some(rest) = self.rest() {
            restored = [&restored, &*rest].concat().into();
        }
        super::note(&self.exchange, std::mem::take(&mut self.tally));
        Step::Pass(restored)
    }
}

impl Ends {
    fn include(self, slot: Slot) -> bool {
        match self {
            Self::All => true,
            Self::Choice(choice) => slot.choice == choice,
        }
    }
}

/// A piece of thinking: signed, so it stays as it is.
fn is_signed_delta(value: Value<'_>) -> bool {
    let kind = value.parent().and_then(|parent| parent.get("type")?.as_str());
    kind.as_deref() == Some("thinking_delta")
}

impl Guard for Stream {
    fn frame(&mut self, frame: Bytes, last: bool) -> Step {
        let Some(events) = &mut self.events else { return self.step(frame, last) };
        let Ok(whole) = events.push(frame) else {
            return Step::End(response::too_large());
        };
        let mut whole = whole.unwrap_or_default();
        if last && let Some(rest) = events.finish() {
            whole = [whole, rest].concat().into();
        }
        self.step(whole, last)
    }

    fn end(&mut self) -> Step {
        let rest = self.events.as_mut().and_then(Events::finish).unwrap_or_default();
        self.step(rest, true)
    }

    fn keeps_length(&self) -> bool {
        false
    }

    fn done(&mut self, _: End) {
        super::note(&self.exchange, std::mem::take(&mut self.tally));
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
