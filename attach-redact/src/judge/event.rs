//! One event of a stream, and the texts in it.

use std::collections::HashSet;
use std::ops::Range;

use attach_core::Api;
use attach_core::json::{Document, NodeId};
use bytes::Bytes;

use super::deltas::deltas;
use super::leaves::{Leaf, found};
use super::mask::Form;
use super::running::{Place, RunningTexts};
use super::sound::{Sound, sounds};
use super::spans::Spans;
use crate::restore::Slot;

pub(super) struct Event {
    pub(super) raw: Bytes,
    pub(super) document: Option<Document>,
    pub(super) pieces: Vec<Piece>,
    pub(super) sounds: Vec<Sound>,
    /// It is no strict JSON: readers may differ on what it says.
    pub(super) unreadable: bool,
}

pub(super) struct Piece {
    pub(super) node: NodeId,
    pub(super) is_key: bool,
    pub(super) form: Form,
    pub(super) text: String,
    /// In characters.
    pub(super) length: usize,
    pub(super) of: Of,
    /// The text of which it is all.
    pub(super) repeats: Option<Slot>,
    /// It was shown.
    pub(super) judged: bool,
    /// The event before said the same at this place, as providers do that send a list with every event.
    pub(super) again: bool,
}

/// Which text it is.
pub(super) enum Of {
    /// A part of one that runs, from there on.
    Running(Place, usize),
    /// Its own, and what is masked in it.
    Own(Spans),
}

impl Event {
    /// The event `raw` with `data` in it, whose pieces go into `texts`.
    pub(super) fn new(api: Api, raw: Bytes, data: &[u8], texts: &mut RunningTexts) -> Self {
        let mut event =
            Self { raw, document: None, pieces: Vec::new(), sounds: Vec::new(), unreadable: false };
        if data.is_empty() || data == b"[DONE]" {
            return event;
        }
        event.document = Document::parse(Bytes::copy_from_slice(data)).ok();
        match &event.document {
            Some(document) => (event.pieces, event.sounds) = pieces(api, document, texts),
            None => event.unreadable = true,
        }
        event
    }

    pub(super) fn says_nothing(&self) -> bool {
        self.pieces.is_empty() && self.sounds.is_empty() && !self.unreadable
    }
}

fn pieces(api: Api, document: &Document, texts: &mut RunningTexts) -> (Vec<Piece>, Vec<Sound>) {
    let deltas = deltas(document.root());
    let mut sounds = sounds(document.root());
    let known = deltas.iter().map(|(_, node)| *node).chain(sounds.iter().map(|sound| sound.node));
    let mut known: Vec<NodeId> = known.collect();
    known.sort_unstable();
    let mut pieces = Vec::new();
    for (slot, node) in deltas {
        let text = document.value(node).as_str().unwrap_or_default().into_owned();
        if !text.is_empty() {
            let form = if slot.is_json() { Form::Json } else { Form::Text };
            pieces.push(Piece::running(texts.place(slot), node, form, text, texts));
        }
    }
    let found = found(api, document.root(), &known, &texts.hasher);
    sounds.extend(found.sounds);
    let (tokens, leaves): (Vec<_>, Vec<_>) =
        found.leaves.into_iter().partition(|leaf| leaf.form == Form::Tokens);
    pieces.extend(leaves.into_iter().map(|leaf| Piece::of_leaf(leaf, texts)));
    pieces.extend(tokens_of(tokens, &pieces, texts));
    (pieces, sounds)
}

/// The tokens that an event tells. They say what a text of it does, or are one that has to be seen.
fn tokens_of(tokens: Vec<Leaf>, pieces: &[Piece], texts: &mut RunningTexts) -> Vec<Piece> {
    if tokens.is_empty() {
        return Vec::new();
    }
    let known: HashSet<&str> = pieces.iter().map(|piece| piece.text.as_str()).collect();
    let tokens = tokens.into_iter().map(|leaf| {
        let judged = known.contains(leaf.text.as_str());
        let piece = Piece::of_leaf(leaf, texts);
        Piece { judged: piece.judged || judged, ..piece }
    });
    tokens.collect()
}

impl Piece {
    /// How many characters it adds to what the answer says.
    pub(super) fn news(&self) -> usize {
        let is_news = self.form != Form::Tokens && self.repeats.is_none() && !self.again;
        if is_news { self.length } else { 0 }
    }

    fn running(place: Place, node: NodeId, form: Form, text: String, texts: &mut RunningTexts) -> Self {
        let of = Of::Running(place, texts.push(place, &text));
        let length = text.chars().count();
        Self { node, is_key: false, form, text, length, of, repeats: None, judged: false, again: false }
    }

    fn of_leaf(leaf: Leaf, texts: &mut RunningTexts) -> Self {
        let repeats = texts.repeated(&leaf.text);
        let (of, again) = match leaf.path.map(Place::Member) {
            Some(place) => {
                let again = texts.is_again(place, &leaf.text);
                (Of::Running(place, texts.push(place, &leaf.text)), again)
            }
            None => (Of::Own(Spans::default()), false),
        };
        let length = leaf.text.chars().count();
        let Leaf { node, is_key, form, text, .. } = leaf;
        Self { node, is_key, form, text, length, of, repeats, judged: repeats.is_some(), again }
    }

    /// What is masked in it.
    pub(super) fn masks(&self, texts: &RunningTexts) -> Spans {
        let all = 0..self.text.len();
        let repeated = self.repeats.into_iter().flat_map(|slot| texts.masks(Place::Known(slot), all.clone()));
        match &self.of {
            Of::Running(place, at) => texts.masks(*place, self.range(*at)).chain(repeated).collect(),
            Of::Own(masks) => masks.iter().chain(repeated).collect(),
        }
    }

    /// Where it is in the text that runs, as a part from `at` on.
    pub(super) fn range(&self, at: usize) -> Range<usize> {
        at..at + self.text.len()
    }
}
