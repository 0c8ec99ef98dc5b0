use memchr::{memchr, memchr2};

/// The longest line anybody looks into, in bytes without its terminator.
pub(crate) const MAX_LINE: usize = 1 << 20;

/// Cuts a body, arriving in any pieces, into lines.
///
/// A line that lies within one piece is lent from it; only a line in pieces is copied.
#[derive(Debug)]
pub(super) struct Lines {
    /// Whether a carriage return ends a line, as in server-sent events but not in NDJSON.
    carriage_return: bool,
    /// The piece before this one ended in a carriage return: a line feed now belongs to it.
    after_cr: bool,
    kept: Vec<u8>,
    overlong: bool,
    /// A line was longer than [`MAX_LINE`] and was left out.
    pub(super) skipped: bool,
}

impl Lines {
    pub(super) fn new(carriage_return: bool) -> Self {
        Self { carriage_return, after_cr: false, kept: Vec::new(), overlong: false, skipped: false }
    }

    /// Hands every line that `bytes` completes to `sink`, without its terminator.
    pub(super) fn push(&mut self, bytes: &[u8], mut sink: impl FnMut(&[u8])) {
        let mut rest = bytes;
        if !rest.is_empty() && std::mem::take(&mut self.after_cr) {
            rest = rest.strip_prefix(b"\n").unwrap_or(rest);
        }
        while let Some(end) = self.find(rest) {
            self.line(&rest[..end], &mut sink);
            let carriage_return = rest[end] == b'\r';
            rest = &rest[end + 1..];
            if carriage_return {
                self.after_cr = rest.is_empty();
                rest = rest.strip_prefix(b"\n").unwrap_or(rest);
            }
        }
        self.keep(rest);
    }

    /// Hands over a last line that has no terminator.
    pub(super) fn end(&mut self, mut sink: impl FnMut(&[u8])) {
        if self.overlong || !self.kept.is_empty() {
            self.line(b"", &mut sink);
        }
    }

    fn find(&self, bytes: &[u8]) -> Option<usize> {
        if self.carriage_return { memchr2(b'\n', b'\r', bytes) } else { memchr(b'\n', bytes) }
    }

    fn line(&mut self, tail: &[u8], sink: &mut impl FnMut(&[u8])) {
        if self.kept.is_empty() && !self.overlong && tail.len() <= MAX_LINE {
            return sink(tail);
        }
        self.keep(tail);
        if !self.overlong {
            sink(&self.kept);
        }
        self.overlong = false;
        self.kept.clear();
    }

    fn keep(&mut self, bytes: &[u8]) {
        if self.overlong || self.kept.len() + bytes.len() > MAX_LINE {
            self.overlong = true;
            self.skipped = true;
            self.kept = Vec::new();
        } else {
            self.kept.extend_from_slice(bytes);
        }
    }
}
