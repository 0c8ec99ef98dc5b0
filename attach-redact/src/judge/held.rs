//! A streamed answer, held back until it was looked at.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use attach_core::Rejection;
use attach_core::body::{End, Guard, Step, lines, sse_events};
use attach_core::usage::Wire;
use bytes::Bytes;

use super::ending::Ending;
use super::event::Event;
use super::queue::Queue;
use super::shown::Source;
use super::{Judge, Masks, uninspected};

/// How many characters have to come before anybody is asked.
const PIECE: usize = 400;
/// How many bytes are held whatever is in them but sound.
const ROOM: usize = 256 << 10;
/// How many bytes are held of an answer with sound, as many as of one that is no stream.
const SOUND: usize = 16 << 20;
/// How many events are held then.
const EVENTS: usize = 16 << 10;

/// Lets events go on once the inspectors of answers have seen their texts.
///
/// While they are asked nothing more is read of the upstream. What is held is never more than [`ROOM`] and one frame, or
/// [`SOUND`] where there is any: which words of its transcript it says is nobody's to know, so it waits for all of them.
pub(crate) struct Held {
    judge: Judge,
    wire: Wire,
    queue: Queue,
    ending: Ending,
    asking: Option<Asking>,
}

struct Asking {
    answer: Pin<Box<dyn Future<Output = Result<Masks, Rejection>> + Send>>,
    sources: Vec<Source>,
    /// Nothing is kept back for what follows.
    all: bool,
}

impl Held {
    /// Holds frames of whole events.
    pub(crate) fn new(judge: Judge, wire: Wire) -> Self {
        let ending = Ending::new(judge.api);
        Self { judge, wire, queue: Queue::default(), ending, asking: None }
    }

    fn push(&mut self, frame: &Bytes) {
        let (queue, ending, api) = (&mut self.queue, &mut self.ending, self.judge.api);
        let mut push = |raw: &[u8], data: &[u8]| {
            if let Some(document) = queue.push(api, frame.slice_ref(raw), data) {
                ending.begun(document.root());
            }
        };
        match self.wire {
            Wire::Sse => sse_events(frame).for_each(|event| {
                push(event.raw, event.data.trim_matches([' ', '\n', '\r']).as_bytes());
            }),
            _ => lines(frame).for_each(|line| push(line, line.trim_ascii())),
        }
    }

    /// What goes on of what came, and who is asked about the rest.
    fn step(&mut self, last: bool) -> Step {
        // Whoever is further out takes the next frame for the one that completes the answer.
        let ends = last || self.judge.exchange.outcome().is_some();
        if self.queue.unreadable {
            return Step::End(self.ended(uninspected("an event of the answer is no strict JSON")));
        }
        let sounds = self.queue.sounding > 0;
        if sounds && ends && self.queue.is_unheard() {
            return Step::End(self.ended(uninspected("the answer has sound without a transcript")));
        }
        if sounds && !ends && (self.queue.size > SOUND || self.queue.len() > EVENTS) {
            return Step::End(self.ended(uninspected("the answer has more sound than is held back")));
        }
        let all = ends || self.queue.size > ROOM && !sounds;
        if !all && self.queue.fresh < PIECE {
            let silent = self.queue.silent();
            return Step::Pass(self.written(&silent));
        }
        let (texts, sources) = self.queue.shown();
        let answer = Box::pin(self.judge.clone().look(texts));
        self.asking = Some(Asking { answer, sources, all });
        Step::Hold(Bytes::new())
    }

    fn written(&mut self, events: &[Event]) -> Bytes {
        let mut out: Vec<Bytes> = Vec::with_capacity(events.len());
        for event in events {
            if let Some(document) = &event.document {
                self.ending.gone(document.root());
            }
            out.push(self.queue.written(event, self.wire));
        }
        match out.len() {
            1 => out.pop().unwrap_or_default(),
            _ => out.concat().into(),
        }
    }

    /// The end in place of what is held: of an answer that is blocked as its dialect's content filter ends it.
    fn ended(&mut self, rejection: Rejection) -> Rejection {
        let events = self.queue.silent();
        let begin = self.written(&events);
        let usage = self.judge.exchange.usage();
        self.judge.overrule();
        if rejection.code() != "content_blocked" {
            return rejection;
        }
        rejection.with_terminal_event([begin, self.ending.events(usage)].concat().into())
    }
}

impl Guard for Held {
    fn frame(&mut self, frame: Bytes, last: bool) -> Step {
        self.push(&frame);
        self.step(last)
    }

    fn end(&mut self) -> Step {
        self.step(true)
    }

    fn poll_release(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Rejection>> {
        let Some(asking) = &mut self.asking else { return Poll::Ready(Ok(())) };
        let masks = match ready!(asking.answer.as_mut().poll(cx)) {
            Ok(masks) => masks,
            Err(rejection) => {
                self.asking = None;
                return Poll::Ready(Err(self.ended(rejection)));
            }
        };
        for (source, ranges) in asking.sources.drain(..).zip(masks) {
            self.queue.mask(source, ranges);
        }
        Poll::Ready(Ok(()))
    }

    fn released(&mut self, _: Bytes) -> Bytes {
        let all = self.asking.take().is_none_or(|asking| asking.all);
        let events = if all { self.queue.rest() } else { self.queue.ripe() };
        self.written(&events)
    }

    fn keeps_length(&self) -> bool {
        false
    }

    fn done(&mut self, _: End) {
        self.asking = None;
        self.queue = Queue::default();
    }
}

impl fmt::Debug for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Held").field("size", &self.queue.size).finish_non_exhaustive()
    }
}
