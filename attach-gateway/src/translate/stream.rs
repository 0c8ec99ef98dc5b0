use attach_core::body::{Guard, Step};
use bytes::Bytes;

use super::canonical::{ReadAnswer, WriteAnswer};

/// Translates a stream as it passes; every frame it is given is whole events.
#[derive(Debug)]
pub(crate) struct Translation {
    reader: Box<dyn ReadAnswer>,
    writer: Box<dyn WriteAnswer>,
}

impl Translation {
    pub(super) fn new(reader: Box<dyn ReadAnswer>, writer: Box<dyn WriteAnswer>) -> Self {
        Self { reader, writer }
    }
}

impl Guard for Translation {
    fn frame(&mut self, frame: Bytes, last: bool) -> Step {
        let (mut events, mut out) = (Vec::new(), Vec::with_capacity(frame.len()));
        self.reader.frame(&frame, &mut events);
        for event in events {
            self.writer.write(event, &mut out);
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
