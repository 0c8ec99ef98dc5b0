use attach_core::body::{Guard, Step, sse_events};
use bytes::Bytes;

use super::{ollama, openai};

/// Translates a stream as it passes; every frame it is given is whole events.
#[derive(Debug)]
pub(crate) struct Translation {
    writer: ollama::Writer,
}

impl Translation {
    pub(super) fn new(writer: ollama::Writer) -> Self {
        Self { writer }
    }
}

impl Guard for Translation {
    fn frame(&mut self, frame: Bytes, last: bool) -> Step {
        let mut out = Vec::with_capacity(frame.len());
        for event in sse_events(&frame) {
            for piece in openai::read_event(&event.data) {
                self.writer.write(piece, &mut out);
            }
        }
        if last {
            self.writer.end(&mut out);
        }
        Step::Pass(out.into())
    }

    fn end(&mut self) -> Step {
        let mut out = Vec::new();
        self.writer.end(&mut out);
        Step::Pass(out.into())
    }

    fn keeps_length(&self) -> bool {
        false
    }
}
