//! The events of a stream that nobody has let through yet.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Range;

use attach_core::Api;
use attach_core::json::{Document, Edit, NodeId};
use attach_core::usage::Wire;
use bytes::Bytes;

use super::leaves::{leaves, without_tokens};
use super::mask::{Form, masked};
use super::running::RunningTexts;
use crate::restore::{Field, Slot, deltas, replaced_data, replaced_line};

/// How many characters of a text stay behind what goes on: a value of that length is seen as a whole.
pub(super) const KEPT: usize = 100;
/// So many of all texts: in an answer with several that run side by side, the others cannot hold one up for ever.
const KEPT_OF_ALL: usize = 4 * KEPT;

/// One event, and the texts in it.
pub(super) struct Event {
    raw: Bytes,
    document: Option<Document>,
    pieces: Vec<Piece>,
}

struct Piece {
    /// `None` is all of an event that is no strict JSON.
    node: Option<NodeId>,
    is_key: bool,
    form: Form,
    text: String,
    of: Of,
}

/// Which text it is.
enum Of {
    /// A part of one that runs, from there on.
    Running(Slot, usize),
    /// All of one that ran.
    Repeated(Slot),
    /// Its own.
    Own(Vec<Range<usize>>),
}

/// Where a text that is shown comes from.
#[derive(Debug, Clone, Copy)]
pub(super) enum Source {
    Running { slot: Slot, from: usize },
    Own { event: usize, piece: usize },
}

#[derive(Default)]
pub(super) struct Queue {
    events: VecDeque<Event>,
    texts: RunningTexts,
    /// Bytes of all events.
    pub(super) size: usize,
    /// Characters that nobody has looked at.
    pub(super) fresh: usize,
}

impl Event {
    pub(super) fn document(&self) -> Option<&Document> {
        self.document.as_ref()
    }

    fn says_nothing(&self) -> bool {
        self.pieces.is_empty()
    }
}

impl Queue {
    /// Takes the event `raw` with `data` in it.
    pub(super) fn push(&mut self, api: Api, raw: Bytes, data: &[u8]) -> Option<&Document> {
        let mut event = Event { document: None, pieces: Vec::new(), raw };
        if !data.is_empty() && data != b"[DONE]" {
            event.document = Document::parse(Bytes::copy_from_slice(data)).ok();
            event.pieces = match &event.document {
                Some(document) => self.pieces(api, document),
                None => vec![Piece {
                    node: None,
                    is_key: false,
                    form: Form::Text,
                    text: String::from_utf8_lossy(data).into_owned(),
                    of: Of::Own(Vec::new()),
                }],
            };
        }
        let new = event.pieces.iter().filter(|piece| !matches!(piece.of, Of::Repeated(_)));
        self.fresh += new.map(|piece| piece.text.chars().count()).sum::<usize>();
        self.size += event.raw.len();
        self.events.push_back(event);
        self.events.back()?.document.as_ref()
    }

    fn pieces(&mut self, api: Api, document: &Document) -> Vec<Piece> {
        let mut found = deltas(document.root());
        found.extend(thinking(document));
        let nodes: Vec<NodeId> = found.iter().map(|(_, node)| *node).collect();
        let mut pieces = Vec::new();
        for (slot, node) in found {
            let text = document.value(node).as_str().unwrap_or_default().into_owned();
            if text.is_empty() {
                continue;
            }
            let of = match self.texts.push(slot, &text) {
                Some(at) => Of::Running(slot, at),
                None => Of::Own(Vec::new()),
            };
            let form = if slot.is_json() { Form::Json } else { Form::Text };
            pieces.push(Piece { node: Some(node), is_key: false, form, text, of });
        }
        for leaf in leaves(api, document.root(), &nodes) {
            let of = self.texts.repeated(&leaf.text).map_or(Of::Own(Vec::new()), Of::Repeated);
            let node = Some(leaf.node);
            pieces.push(Piece { node, is_key: leaf.is_key, form: leaf.form, text: leaf.text, of });
        }
        pieces
    }

    /// All texts that are here, and where each comes from.
    pub(super) fn shown(&self) -> (Vec<String>, Vec<Source>) {
        let mut running: BTreeMap<Slot, (usize, String)> = BTreeMap::new();
        let (mut texts, mut sources) = (Vec::new(), Vec::new());
        for (event, piece, of) in self.all() {
            match &of.of {
                Of::Running(slot, at) => {
                    running.entry(*slot).or_insert_with(|| (*at, String::new())).1.push_str(&of.text);
                }
                Of::Own(_) => {
                    texts.push(of.text.clone());
                    sources.push(Source::Own { event, piece });
                }
                Of::Repeated(_) => {}
            }
        }
        for (slot, (from, text)) in running {
            texts.push(text);
            sources.push(Source::Running { slot, from });
        }
        (texts, sources)
    }

    fn all(&self) -> impl Iterator<Item = (usize, usize, &Piece)> {
        let events = self.events.iter().enumerate();
        events.flat_map(|(at, event)| event.pieces.iter().enumerate().map(move |(piece, of)| (at, piece, of)))
    }

    /// Puts down what is to be masked in a text that was shown.
    pub(super) fn mask(&mut self, source: Source, ranges: Vec<Range<usize>>) {
        match source {
            Source::Running { slot, from } => ranges.into_iter().for_each(|range| {
                self.texts.mask(slot, from + range.start..from + range.end);
            }),
            Source::Own { event, piece } => {
                let piece = self.events.get_mut(event).and_then(|event| event.pieces.get_mut(piece));
                if let Some(Piece { of: Of::Own(masks), .. }) = piece {
                    *masks = ranges;
                }
            }
        }
    }

    /// Takes the events at the front that say nothing.
    pub(super) fn silent(&mut self) -> Vec<Event> {
        let count = self.events.iter().take_while(|event| event.says_nothing()).count();
        self.take(count)
    }

    /// Takes the events that may go on once all have been looked at: all but those that what follows may belong to.
    pub(super) fn ripe(&mut self) -> Vec<Event> {
        let (mut after, mut after_all) = (BTreeMap::<Slot, usize>::new(), 0);
        let mut count = self.events.len();
        for (at, event) in self.events.iter().enumerate().rev() {
            let is_ripe = |piece: &Piece| match &piece.of {
                Of::Running(slot, _) => after.get(slot).is_some_and(|after| *after >= KEPT),
                _ => true,
            };
            if after_all < KEPT_OF_ALL && !event.pieces.iter().all(is_ripe) {
                count = at;
            }
            for piece in &event.pieces {
                let length = piece.text.chars().count();
                after_all += length;
                if let Of::Running(slot, _) = &piece.of {
                    *after.entry(*slot).or_default() += length;
                }
            }
        }
        self.take(count)
    }

    /// Takes all of them.
    pub(super) fn rest(&mut self) -> Vec<Event> {
        self.take(self.events.len())
    }

    fn take(&mut self, count: usize) -> Vec<Event> {
        let taken: Vec<Event> = self.events.drain(..count).collect();
        self.size -= taken.iter().map(|event| event.raw.len()).sum::<usize>();
        taken
    }

    /// The bytes of an event that goes on. What cannot be masked does not.
    pub(super) fn written(&self, event: &Event, wire: Wire) -> Bytes {
        let mut edits = Vec::new();
        for piece in &event.pieces {
            let Some(text) = self.masked(piece) else { continue };
            let Some(node) = piece.node else { return Bytes::new() };
            edits.push(if piece.is_key { Edit::key(node, text) } else { Edit::string(node, text) });
        }
        let Some(document) = event.document.as_ref().filter(|_| !edits.is_empty()) else {
            return event.raw.clone();
        };
        edits.extend(without_tokens(document));
        match document.splice(&edits) {
            Ok(spliced) if wire == Wire::Sse => replaced_data(&event.raw, spliced.bytes()).into(),
            Ok(spliced) => replaced_line(&event.raw, spliced.bytes()).into(),
            Err(_) => Bytes::new(),
        }
    }

    /// The text with asterisks, if there are any in it.
    fn masked(&self, piece: &Piece) -> Option<String> {
        let (masks, at) = match &piece.of {
            Of::Own(masks) => (masks.as_slice(), 0),
            Of::Repeated(slot) => (self.texts.masks(*slot), 0),
            Of::Running(slot, at) => (self.texts.masks(*slot), *at),
        };
        let within: Vec<_> = masks
            .iter()
            .filter(|mask| mask.start < at + piece.text.len() && mask.end > at)
            .map(|mask| mask.start.saturating_sub(at)..mask.end - at)
            .collect();
        (!within.is_empty()).then(|| masked(&piece.text, 0..piece.text.len(), &within, piece.form))
    }
}

/// A piece of Anthropic's thinking, which is not restored, and so is no delta elsewhere.
fn thinking(document: &Document) -> Option<(Slot, NodeId)> {
    let root = document.root();
    let index = root.get("index")?.as_u64()?;
    let text = root.get("delta")?.get("thinking")?;
    Some((Slot::new(index, Field::BlockThinking, 0), text.id()))
}
