use attach_core::Usage;
use attach_core::body::{Guard, Step};
use bytes::Bytes;

use super::canonical::{Event, ReadAnswer, WriteAnswer};

/// Translates a stream as it passes. As a guard every frame it is given is whole events.
#[derive(Debug)]
pub(crate) struct Translation {
    reader: Box<dyn ReadAnswer>,
    writer: Box<dyn WriteAnswer>,
    usage: Option<Usage>,
    /// Empty between frames; its room is kept.
    events: Vec<Event>,
}

impl Translation {
    pub(super) fn new(reader: Box<dyn ReadAnswer>, writer: Box<dyn WriteAnswer>) -> Self {
        Self { reader, writer, usage: None, events: Vec::new() }
    }

    /// The next piece in the caller's words.
    pub(crate) fn piece(&mut self, piece: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(piece.len());
        self.reader.frame(piece, &mut self.events);
        self.write(&mut out);
        out
    }

    /// What is still to be said when nothing follows.
    pub(crate) fn rest(&mut self) -> Vec<u8> {
        let mut out = Vec::new();
        self.finish(&mut out);
        out
    }

    fn finish(&mut self, out: &mut Vec<u8>) {
        self.reader.end(&mut self.events);
        self.write(out);
        self.writer.end(out);
    }

    /// What the upstream has said it used.
    pub(crate) fn usage(&self) -> Option<Usage> {
        self.usage
    }

    fn write(&mut self, out: &mut Vec<u8>) {
        for event in self.events.drain(..) {
            self.usage = event.usage().or(self.usage);
            self.writer.write(event, out);
        }
    }
}

impl Guard for Translation {
    fn frame(&mut self, frame: Bytes, last: bool) -> Step {
        let mut out = self.piece(&frame);
        if last {
            self.finish(&mut out);
        }
        Step::Pass(out.into())
    }

    fn end(&mut self) -> Step {
        Step::Pass(self.rest().into())
    }

    fn keeps_length(&self) -> bool {
        false
    }
}
