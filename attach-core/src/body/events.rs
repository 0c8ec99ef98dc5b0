//! Whole events: re-framing of streamed answers, and iteration over the events of a frame.

use std::borrow::Cow;
use std::fmt;

use bytes::{Bytes, BytesMut};
use memchr::{memchr, memchr2};

use crate::usage::{BOM, MAX_LINE, Wire, field};

/// The most an unfinished event may hold, so that an event of endless short lines is bounded too.
const MAX_EVENT: usize = 2 * MAX_LINE;

/// Re-frames a streamed body so that every frame holds whole events only.
///
/// A layer outside can then look at, replace or hold an event without a buffer of its own. No byte is added,
/// removed or moved. A body of [`Wire::Json`] passes as it is.
///
/// ```
/// use attach_core::body::Events;
/// use attach_core::usage::Wire;
///
/// let mut events = Events::new(Wire::Sse);
/// assert_eq!(events.push("data: 1\n\ndata".into())?.as_deref(), Some(&b"data: 1\n\n"[..]));
/// assert_eq!(events.push(": 2\n".into())?, None);
/// assert_eq!(events.finish().as_deref(), Some(&b"data: 2\n"[..]));
/// # Ok::<(), attach_core::body::LineTooLong>(())
/// ```
pub struct Events {
    scan: Scan,
    kept: BytesMut,
}

impl Events {
    /// A re-framer for one body.
    #[must_use]
    pub fn new(wire: Wire) -> Self {
        Self { scan: Scan::new(wire), kept: BytesMut::new() }
    }

    /// Takes the body's next frame and returns all that is whole events by now, `None` if nothing is.
    ///
    /// A frame that is itself whole events comes back uncopied unless the start of its first event is kept here.
    ///
    /// # Errors
    ///
    /// When a line is longer than 1 MiB, or an unfinished event longer than 2 MiB; what is kept is gone then, and
    /// every later push is refused.
    pub fn push(&mut self, mut frame: Bytes) -> Result<Option<Bytes>, LineTooLong> {
        let Ok(end) = self.scan.push(&frame) else {
            self.kept = BytesMut::new();
            return Err(LineTooLong);
        };
        let rest = frame.split_off(end);
        let whole = match (frame.is_empty(), self.kept.is_empty()) {
            (true, _) => None,
            (false, true) => Some(frame),
            (false, false) => {
                self.kept.extend_from_slice(&frame);
                Some(self.kept.split().freeze())
            }
        };
        self.kept.extend_from_slice(&rest);
        Ok(whole)
    }

    /// What is left when the body has ended: the start of an event that was never finished.
    pub fn finish(&mut self) -> Option<Bytes> {
        (!self.kept.is_empty()).then(|| self.kept.split().freeze())
    }
}

/// Shows no byte of the body.
impl fmt::Debug for Events {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Events").field("wire", &self.scan.wire).field("kept", &self.kept.len()).finish()
    }
}

/// A line or an event of a stream is longer than anybody is willing to hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct LineTooLong;

impl fmt::Display for LineTooLong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a line or event of the stream is too long")
    }
}

impl std::error::Error for LineTooLong {}

/// Finds the ends of events in a body arriving in any pieces.
#[derive(Debug)]
struct Scan {
    wire: Wire,
    /// Bytes of the unfinished line and of the unfinished event.
    line: usize,
    event: usize,
    /// The last line was blank, so an event ends after it.
    blank: bool,
    /// The piece before this one ended in a carriage return: a line feed now belongs to it.
    after_cr: bool,
    broken: bool,
}

impl Scan {
    fn new(wire: Wire) -> Self {
        Self { wire, line: 0, event: 0, blank: false, after_cr: false, broken: false }
    }

    /// The length of the part of `bytes` that ends with the end of an event; 0 if none ends in it.
    fn push(&mut self, bytes: &[u8]) -> Result<usize, LineTooLong> {
        match self.wire {
            Wire::Json => Ok(bytes.len()),
            Wire::Ndjson => self.ndjson(bytes),
            Wire::Sse => self.sse(bytes),
        }
    }

    fn ndjson(&mut self, bytes: &[u8]) -> Result<usize, LineTooLong> {
        let mut whole = 0;
        while let Some(length) = memchr(b'\n', &bytes[whole..]) {
            self.grow(length)?;
            whole += length + 1;
            (self.line, self.event) = (0, 0);
        }
        self.grow(bytes.len() - whole)?;
        Ok(whole)
    }

    fn sse(&mut self, bytes: &[u8]) -> Result<usize, LineTooLong> {
        let (mut at, mut whole) = (0, 0);
        if !bytes.is_empty() && std::mem::take(&mut self.after_cr) && bytes[0] == b'\n' {
            at = 1;
            whole = usize::from(self.blank);
        }
        while let Some(length) = memchr2(b'\n', b'\r', &bytes[at..]) {
            self.grow(length)?;
            at += length + line_end(&bytes[at + length..]);
            self.after_cr = at == bytes.len() && bytes[at - 1] == b'\r';
            self.blank = self.line == 0;
            self.line = 0;
            self.event += 1;
            if self.blank {
                self.event = 0;
                whole = at;
            }
        }
        self.grow(bytes.len() - at)?;
        Ok(whole)
    }

    fn grow(&mut self, bytes: usize) -> Result<(), LineTooLong> {
        self.line += bytes;
        self.event += bytes;
        self.broken |= self.line > MAX_LINE || self.event > MAX_EVENT;
        if self.broken { Err(LineTooLong) } else { Ok(()) }
    }
}

/// The length of the line end that `bytes` starts with: two for CR LF, else one.
fn line_end(bytes: &[u8]) -> usize {
    if bytes.starts_with(b"\r\n") { 2 } else { 1 }
}

/// One server-sent event of a frame.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SseEvent<'a> {
    /// The `event` field, if it is given, not empty, and UTF-8.
    pub name: Option<&'a str>,
    /// The `data` lines joined by line feeds; empty for a comment. Bytes that are not UTF-8 are U+FFFD.
    pub data: Cow<'a, str>,
    /// The event as it is in the frame, its blank line included.
    pub raw: &'a [u8],
}

/// Iterates over the server-sent events of a frame made by [`Events`].
///
/// Nothing is left out: comments and stray blank lines are events without data, and so is the rest of a frame that
/// ends within an event, with whatever fields are in it. All `raw` together are the frame.
pub fn sse_events(frame: &[u8]) -> impl Iterator<Item = SseEvent<'_>> {
    let mut rest = frame;
    std::iter::from_fn(move || {
        let event = (!rest.is_empty()).then(|| SseEvent::first(rest))?;
        rest = &rest[event.raw.len()..];
        Some(event)
    })
}

/// Iterates over the lines of an NDJSON frame made by [`Events`], each with its line end, blank ones included.
pub fn lines(frame: &[u8]) -> impl Iterator<Item = &[u8]> {
    frame.split_inclusive(|byte| *byte == b'\n')
}

impl<'a> SseEvent<'a> {
    fn first(bytes: &'a [u8]) -> Self {
        let mut event = Self { name: None, data: Cow::Borrowed(""), raw: bytes };
        let mut joined = false;
        let mut at = if bytes.starts_with(BOM) { BOM.len() } else { 0 };
        while let Some(length) = memchr2(b'\n', b'\r', &bytes[at..]) {
            let line = &bytes[at..at + length];
            at += length + line_end(&bytes[at + length..]);
            if line.is_empty() {
                event.raw = &bytes[..at];
                return event;
            }
            event.take(line, &mut joined);
        }
        event.take(&bytes[at..], &mut joined);
        event
    }

    fn take(&mut self, line: &'a [u8], joined: &mut bool) {
        match field(line) {
            (b"event", name) => self.name = std::str::from_utf8(name).ok().filter(|name| !name.is_empty()),
            (b"data", data) => {
                let data = String::from_utf8_lossy(data);
                if std::mem::replace(joined, true) {
                    let all = self.data.to_mut();
                    all.push('\n');
                    all.push_str(&data);
                } else {
                    self.data = data;
                }
            }
            _ => {}
        }
    }
}
