//! One event of a stream, and the texts in it.

use std::ops::Range;

use attach_core::Api;
use attach_core::json::{Document, NodeId};
use bytes::Bytes;

use super::deltas::deltas;
use super::leaves::{Leaf, leaves};
use super::mask::Form;
use super::running::{Place, RunningTexts};
use super::spans::Spans;
use crate::restore::Slot;

pub(super) struct Event {
    pub(super) raw: Bytes,
    pub(super) document: Option<Document>,
    pub(super) pieces: Vec<Piece>,
}

pub(super) struct Piece {
    /// `None` is all of an event that is no strict JSON.
    pub(super) node: Option<NodeId>,
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
        let mut event = Self { raw, document: None, pieces: Vec::new() };
        if data.is_empty() || data == b"[DONE]" {
            return event;
        }
        event.document = Document::parse(Bytes::copy_from_slice(data)).ok();
        event.pieces = match &event.document {
            Some(document) => pieces(api, document, texts),
            // The place of all that has none.
            None => {
                vec![Piece::running(
                    Place::Member(0),
                    None,
                    Form::Text,
                    String::from_utf8_lossy(data).into(),
                    texts,
                )]
            }
        };
        event
    }

    pub(super) fn says_nothing(&self) -> bool {
        self.pieces.is_empty()
    }
}

fn pieces(api: Api, document: &Document, texts: &mut RunningTexts) -> Vec<Piece> {
    let found = deltas(document.root());
    let mut nodes: Vec<NodeId> = found.iter().map(|(_, node)| *node).collect();
    nodes.sort_unstable();
    let mut pieces = Vec::new();
    for (slot, node) in found {
        let text = document.value(node).as_str().unwrap_or_default().into_owned();
        if !text.is_empty() {
            let form = if slot.is_json() { Form::Json } else { Form::Text };
            pieces.push(Piece::running(texts.place(slot), Some(node), form, text, texts));
        }
    }
    let leaves = leaves(api, document.root(), &nodes, &texts.hasher);
    pieces.extend(leaves.into_iter().map(|leaf| Piece::of_leaf(leaf, texts)));
    pieces
}

impl Piece {
    fn running(
        place: Place,
        node: Option<NodeId>,
        form: Form,
        text: String,
        texts: &mut RunningTexts,
    ) -> Self {
        let of = Of::Running(place, texts.push(place, &text));
        let length = text.chars().count();
        Self { node, is_key: false, form, text, length, of, repeats: None, judged: false }
    }

    fn of_leaf(leaf: Leaf, texts: &mut RunningTexts) -> Self {
        let repeats = texts.repeated(&leaf.text);
        let of = match leaf.path.map(Place::Member) {
            Some(place) => Of::Running(place, texts.push(place, &leaf.text)),
            None => Of::Own(Spans::default()),
        };
        let length = leaf.text.chars().count();
        let Leaf { node, is_key, form, text, .. } = leaf;
        Self { node: Some(node), is_key, form, text, length, of, repeats, judged: repeats.is_some() }
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
