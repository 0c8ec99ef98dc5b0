use std::collections::BTreeMap;

use serde::de::IgnoredAny;

use super::sealed::Sealed;
use super::shapes::{self, Part};

/// What an item costs besides its text, in bytes: that of its events.
const OVERHEAD: usize = 512;

/// The items of an answer, put together from its pieces; a call's pieces find it wherever it stands.
#[derive(Debug)]
pub(super) struct Items {
    /// The end of every item's id.
    id: String,
    list: Vec<Item>,
    /// Where each call is, by its number at the server.
    calls: BTreeMap<u64, usize>,
    bytes: usize,
}

/// An item of an answer.
#[derive(Debug)]
pub(super) struct Item {
    pub(super) id: String,
    pub(super) content: Content,
    /// `in_progress` until it is over.
    pub(super) status: &'static str,
}

/// What an item holds.
#[derive(Debug)]
pub(super) enum Content {
    Text(String),
    Thoughts { text: String, sealed: Option<String> },
    Call { id: String, name: String, arguments: String },
}

impl Items {
    pub(super) fn new(id: &str) -> Self {
        Self { id: id.to_owned(), list: Vec::new(), calls: BTreeMap::new(), bytes: 0 }
    }

    /// Adds an item; where it stands.
    pub(super) fn add(&mut self, content: Content) -> usize {
        let at = self.list.len();
        let kind = match content {
            Content::Text(_) => "msg",
            Content::Thoughts { .. } => "rs",
            Content::Call { .. } => "fc",
        };
        self.bytes += OVERHEAD;
        let id = format!("{kind}_{}_{at}", self.id);
        self.list.push(Item { id, content, status: "in_progress" });
        at
    }

    /// Adds the call with the number `index`; where it stands.
    pub(super) fn add_call(&mut self, index: u64, id: String, name: String) -> usize {
        self.bytes += id.len() + name.len();
        let at = self.add(Content::Call { id, name, arguments: String::new() });
        self.calls.insert(index, at);
        at
    }

    /// Where the call with the number `index` stands.
    pub(super) fn call(&self, index: u64) -> Option<usize> {
        self.calls.get(&index).copied()
    }

    /// Adds to the text of an item that is not over.
    pub(super) fn push(&mut self, at: usize, piece: &str) {
        let Some(item) = self.list.get_mut(at).filter(|item| item.is_open()) else { return };
        self.bytes += piece.len();
        item.content.text_mut().push_str(piece);
    }

    /// Says under the thoughts at `at` what their provider signed or encrypted.
    pub(super) fn seal(&mut self, at: usize, with: &Sealed) {
        if let Some(Item { content: Content::Thoughts { sealed, .. }, .. }) = self.list.get_mut(at) {
            let text = with.text();
            self.bytes += text.len();
            *sealed = Some(text);
        }
    }

    /// The item at `at` is over.
    pub(super) fn close(&mut self, at: usize, status: &'static str) {
        if let Some(item) = self.list.get_mut(at) {
            item.status = status;
        }
    }

    pub(super) fn get(&self, at: usize) -> Option<&Item> {
        self.list.get(at)
    }

    /// Where the last item stands, if it is not over.
    pub(super) fn open(&self) -> Option<usize> {
        self.list.last().filter(|item| item.is_open()).map(|_| self.list.len() - 1)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Item> {
        self.list.iter()
    }

    /// How many bytes are kept.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }
}

impl Item {
    pub(super) fn is_open(&self) -> bool {
        self.status == "in_progress"
    }

    /// Whether nothing can be missing of it once another one begins.
    pub(super) fn is_whole(&self) -> bool {
        match &self.content {
            Content::Call { arguments, .. } => serde_json::from_str::<IgnoredAny>(arguments).is_ok(),
            Content::Text(_) | Content::Thoughts { .. } => true,
        }
    }

    /// The item as it is by now.
    pub(super) fn shape(&self) -> shapes::Item<'_> {
        let part = |text: &str| !text.is_empty() || !self.is_open();
        let (id, status) = (&*self.id, self.status);
        match &self.content {
            Content::Text(text) => shapes::Item::Message {
                id,
                status,
                role: "assistant",
                content: part(text).then(|| Part::spoken(text)).into_iter().collect(),
            },
            Content::Thoughts { text, sealed } => shapes::Item::Reasoning {
                id,
                status,
                summary: (!text.is_empty()).then_some(Part::SummaryText { text }).into_iter().collect(),
                encrypted_content: sealed.as_deref(),
            },
            Content::Call { id: call_id, name, arguments } => {
                shapes::Item::FunctionCall { id, status, call_id, name, arguments }
            }
        }
    }
}

impl Content {
    fn text_mut(&mut self) -> &mut String {
        match self {
            Self::Text(text) | Self::Thoughts { text, .. } => text,
            Self::Call { arguments, .. } => arguments,
        }
    }
}
