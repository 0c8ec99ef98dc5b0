use std::collections::BTreeMap;

use attach_core::{Exchange, Usage};
use bytes::Bytes;
use http::StatusCode;

use super::Echo;
use super::answer::{Answer, Stand};
use super::events::{Events, object};
use super::items::{Content, Item, Items};
use super::sealed::Sealed;
use crate::translate::canonical::{Event, Failure, Finish, WriteAnswer};
use crate::translate::openai;

/// The most that is kept of a stream, in bytes, as its end repeats it; more ends it in an error. More than any model's
/// longest answer, and what the longest line of a stream may hold.
const MAX_KEPT: usize = 1 << 20;

/// What a call without a name costs besides its arguments, in bytes.
const OVERHEAD: usize = 64;

/// Writes an answer as OpenAI's Responses have it: events of items, or one `response`.
#[derive(Debug)]
pub(crate) struct Writer {
    request: String,
    answer: Answer,
    events: Events,
    items: Items,
    /// Calls whose tool has not been named yet, with their ids and arguments.
    unnamed: BTreeMap<u64, (Option<String>, String)>,
    /// How many bytes those ever were.
    waited: usize,
    started: bool,
    finish: Option<Finish>,
    usage: Option<Usage>,
    over: bool,
}

impl Writer {
    pub(crate) fn new(model: &str, echo: Echo, exchange: &Exchange) -> Self {
        let request = exchange.id().to_string();
        let plain = request.replace('-', "");
        Self {
            answer: Answer::new(&plain, model, echo),
            events: Events::default(),
            items: Items::new(&plain),
            request,
            unnamed: BTreeMap::new(),
            waited: 0,
            started: false,
            finish: None,
            usage: None,
            over: false,
        }
    }
}

impl WriteAnswer for Writer {
    fn write(&mut self, event: Event, out: &mut Vec<u8>) {
        if self.over {
            return;
        }
        self.start(out);
        match event {
            Event::Error(failure) => self.fail(&failure, out),
            Event::Done => {
                // A server that says nothing of why it stopped has stopped.
                self.finish.get_or_insert(Finish::Stop);
                self.end(out);
            }
            other => self.take(other, out),
        }
        if self.items.bytes() + self.waited > MAX_KEPT {
            self.fail(&too_long(), out);
        }
    }

    fn end(&mut self, out: &mut Vec<u8>) {
        if self.over || self.finish.is_none() {
            return;
        }
        self.over = true;
        self.finish_items(out);
        let finish = self.finish.clone();
        let stand = Stand::Ended(finish.as_ref());
        self.response(stand.event(), stand, out);
    }

    fn whole(&mut self, events: Vec<Event>) -> Option<Bytes> {
        // The events are what a stream is made of; here nobody reads them.
        let mut unread = Vec::new();
        self.started = true;
        for event in events {
            match event {
                Event::Error(_) => return None,
                Event::Done => {}
                other => self.take(other, &mut unread),
            }
            unread.clear();
        }
        if self.finish.is_none() && self.items.iter().next().is_none() {
            return None;
        }
        self.finish.get_or_insert(Finish::Stop);
        self.finish_items(&mut unread);
        let head = self.answer.head(Stand::Ended(self.finish.as_ref()), &self.items, self.usage);
        object(&head, self.answer.echo.members()).map(Bytes::from)
    }

    fn failure(&self, status: StatusCode, failure: &Failure) -> Bytes {
        openai::failure(status, failure, &self.request)
    }
}

impl Writer {
    fn take(&mut self, event: Event, out: &mut Vec<u8>) {
        match event {
            Event::Text(piece) if piece.is_empty() => {}
            Event::Text(piece) => {
                let at = match self.open(|content| matches!(content, Content::Text(_))) {
                    Some(at) => at,
                    None => self.begin(Content::Text(String::new()), out),
                };
                self.push(at, &piece, out);
            }
            Event::Thinking(piece) if piece.is_empty() => {}
            Event::Thinking(piece) => {
                let at = match self.open(|content| matches!(content, Content::Thoughts { .. })) {
                    Some(at) => at,
                    None => self.begin(thoughts(), out),
                };
                self.push(at, &piece, out);
            }
            Event::Signature(signature) => self.seal(&Sealed::Signature(signature), out),
            Event::RedactedThinking(data) => self.seal(&Sealed::Redacted(data), out),
            Event::Tool { index, id, name, arguments } => self.call((index, id), name, &arguments, out),
            Event::Finish(finish) => self.finish = Some(finish),
            Event::Usage(usage) => self.usage = Some(usage),
            Event::Error(_) | Event::Done => {}
        }
    }

    /// A signature is the last of the thoughts under which it stands; hidden thoughts are an item of their own. Both are
    /// for those who give them back, and asked for them.
    fn seal(&mut self, with: &Sealed, out: &mut Vec<u8>) {
        let open = self.open(|content| matches!(content, Content::Thoughts { .. }));
        let signed = open.filter(|_| matches!(with, Sealed::Signature(_)));
        if self.answer.echo.sealed {
            let at = signed.unwrap_or_else(|| self.begin(thoughts(), out));
            self.items.seal(at, with);
        }
        self.close_open(out);
    }

    /// Some servers name the tool in every piece, some not in the first one.
    fn call(&mut self, (index, id): (u64, Option<String>), name: String, piece: &str, out: &mut Vec<u8>) {
        if let Some(at) = self.items.call(index) {
            return self.push(at, piece, out);
        }
        let (known, earlier) = self.unnamed.remove(&index).unwrap_or_default();
        let (id, arguments) = (known.or(id), earlier + piece);
        if name.is_empty() {
            self.waited += piece.len() + OVERHEAD;
            self.unnamed.insert(index, (id, arguments));
            return;
        }
        self.close_open(out);
        let at = self.items.add_call(index, id.unwrap_or_default(), name);
        self.added(at, out);
        self.push(at, &arguments, out);
    }

    /// The last item, if it goes on and is of this kind.
    fn open(&self, kind: impl Fn(&Content) -> bool) -> Option<usize> {
        let at = self.items.open()?;
        self.items.get(at).is_some_and(|item| kind(&item.content)).then_some(at)
    }

    fn begin(&mut self, content: Content, out: &mut Vec<u8>) -> usize {
        self.close_open(out);
        let at = self.items.add(content);
        self.added(at, out);
        at
    }

    fn added(&mut self, at: usize, out: &mut Vec<u8>) {
        if let Some(item) = self.items.get(at) {
            self.events.added(at, item, out);
        }
    }

    fn push(&mut self, at: usize, piece: &str, out: &mut Vec<u8>) {
        let Some(item) = self.items.get(at).filter(|item| item.is_open() && !piece.is_empty()) else {
            return;
        };
        if matches!(&item.content, Content::Thoughts { text, .. } if text.is_empty()) {
            self.events.summary_added(at, item, out);
        }
        self.events.delta(at, item, piece, out);
        self.items.push(at, piece);
    }

    /// Another item begins. A call of which something is missing goes on beside it.
    fn close_open(&mut self, out: &mut Vec<u8>) {
        let whole = |at: &usize| self.items.get(*at).is_some_and(Item::is_whole);
        if let Some(at) = self.items.open().filter(whole) {
            self.close(at, "completed", out);
        }
    }

    fn close(&mut self, at: usize, status: &'static str, out: &mut Vec<u8>) {
        self.items.close(at, status);
        if let Some(item) = self.items.get(at) {
            self.events.done(at, item, out);
        }
    }

    /// Clients look for a text where nothing else is said. What was cut short is the last item.
    fn finish_items(&mut self, out: &mut Vec<u8>) {
        let status = Stand::Ended(self.finish.as_ref()).status();
        if status == "completed" && self.items.iter().next().is_none() {
            self.begin(Content::Text(String::new()), out);
        }
        let last = self.items.open();
        for at in 0..self.items.iter().count() {
            if self.items.get(at).is_some_and(Item::is_open) {
                self.close(at, if last == Some(at) { status } else { "completed" }, out);
            }
        }
    }

    fn start(&mut self, out: &mut Vec<u8>) {
        if !std::mem::replace(&mut self.started, true) {
            self.response("response.created", Stand::Begun, out);
            self.response("response.in_progress", Stand::Begun, out);
        }
    }

    fn fail(&mut self, failure: &Failure, out: &mut Vec<u8>) {
        if !std::mem::replace(&mut self.over, true) {
            let stand = Stand::Failed(failure);
            self.response(stand.event(), stand, out);
        }
    }

    fn response(&mut self, kind: &'static str, stand: Stand<'_>, out: &mut Vec<u8>) {
        let usage = self.usage.filter(|_| !matches!(stand, Stand::Begun));
        let head = self.answer.head(stand, &self.items, usage);
        self.events.response(kind, &head, self.answer.echo.members(), out);
    }
}

fn thoughts() -> Content {
    Content::Thoughts { text: String::new(), sealed: None }
}

fn too_long() -> Failure {
    Failure { code: None, message: "the answer is too long to be repeated at its end".into() }
}
