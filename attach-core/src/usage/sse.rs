use super::lines::{Lines, MAX_LINE};
use super::meter::Event;

/// The byte order mark, which may open a stream of server-sent events.
pub(crate) const BOM: &[u8] = b"\xEF\xBB\xBF";

const MAX_NAME: usize = 128;

/// Splits a line of a server-sent event into the field's name and its value, less one leading space.
///
/// A comment has the empty name. <https://html.spec.whatwg.org/multipage/server-sent-events.html>
pub(crate) fn field(line: &[u8]) -> (&[u8], &[u8]) {
    match memchr::memchr(b':', line) {
        Some(colon) => {
            let value = &line[colon + 1..];
            (&line[..colon], value.strip_prefix(b" ").unwrap_or(value))
        }
        None => (line, b""),
    }
}

/// Reads server-sent events from a body arriving in any pieces.
#[derive(Debug)]
pub(super) struct Sse {
    lines: Lines,
    pending: Pending,
}

impl Sse {
    pub(super) fn new() -> Self {
        Self { lines: Lines::new(true), pending: Pending::default() }
    }

    pub(super) fn push(&mut self, bytes: &[u8], mut sink: impl FnMut(Event<'_>)) {
        let Self { lines, pending } = self;
        lines.push(bytes, |line| pending.line(line, &mut sink));
    }

    /// Reads the last event even if its blank line is missing: browsers drop it, but the tokens were spent.
    pub(super) fn end(&mut self, mut sink: impl FnMut(Event<'_>)) {
        let Self { lines, pending } = self;
        lines.end(|line| pending.line(line, &mut sink));
        pending.dispatch(&mut sink);
    }

    pub(super) fn skipped(&self) -> bool {
        self.lines.skipped || self.pending.skipped
    }
}

/// The event whose lines are arriving.
#[derive(Debug, Default)]
struct Pending {
    started: bool,
    name: String,
    data: Vec<u8>,
    /// A `data` line has been seen: the next is joined to it by a line feed.
    joined: bool,
    skipped: bool,
}

impl Pending {
    fn line(&mut self, line: &[u8], sink: &mut impl FnMut(Event<'_>)) {
        let line = if self.started { line } else { line.strip_prefix(BOM).unwrap_or(line) };
        self.started = true;
        if line.is_empty() {
            return self.dispatch(sink);
        }
        match field(line) {
            (b"data", value) => self.data(value),
            (b"event", value) => self.name(value),
            _ => {}
        }
    }

    fn data(&mut self, value: &[u8]) {
        if self.data.len() + value.len() > MAX_LINE {
            self.skipped = true;
            return;
        }
        if self.joined {
            self.data.push(b'\n');
        }
        self.joined = true;
        self.data.extend_from_slice(value);
    }

    fn name(&mut self, value: &[u8]) {
        self.name.clear();
        if value.len() <= MAX_NAME {
            self.name.push_str(std::str::from_utf8(value).unwrap_or_default());
        }
    }

    fn dispatch(&mut self, sink: &mut impl FnMut(Event<'_>)) {
        let data = self.data.trim_ascii();
        if !data.is_empty() {
            let name = (!self.name.is_empty()).then_some(self.name.as_str());
            sink(Event { name, data, unary: false });
        }
        self.name.clear();
        self.data.clear();
        self.joined = false;
    }
}
