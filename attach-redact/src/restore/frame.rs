//! The bytes of a frame of a stream: what is kept of them, and what is put in.

use attach_core::usage::Wire;
use memchr::{memchr, memchr2};

/// The byte order mark that may open a stream of server-sent events.
const BOM: &[u8] = b"\xEF\xBB\xBF";

/// A frame that is copied from the first change on.
pub(super) struct Changed<'f> {
    frame: &'f [u8],
    kept: usize,
    pub(super) bytes: Option<Vec<u8>>,
}

impl<'f> Changed<'f> {
    pub(super) fn new(frame: &'f [u8]) -> Self {
        Self { frame, kept: 0, bytes: None }
    }

    /// The next bytes of the frame stay.
    pub(super) fn keep(&mut self, raw: &[u8]) {
        match &mut self.bytes {
            Some(bytes) => bytes.extend_from_slice(raw),
            None => self.kept += raw.len(),
        }
    }

    /// Other bytes come here.
    pub(super) fn insert(&mut self, new: &[u8]) {
        let kept = self.frame.get(..self.kept).unwrap_or_default();
        self.bytes.get_or_insert_with(|| kept.to_vec()).extend_from_slice(new);
    }
}

/// The server-sent event `raw` with other data, its other lines as they were.
pub(crate) fn replaced_data(raw: &[u8], data: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(raw.len() + data.len());
    let mut rest = raw;
    if let Some(after) = rest.strip_prefix(BOM) {
        out.extend_from_slice(BOM);
        rest = after;
    }
    let mut written = false;
    while !rest.is_empty() {
        let (line, ending, after) = first_line(rest);
        rest = after;
        if line.get(..memchr(b':', line).unwrap_or(line.len())) != Some(b"data") {
            out.extend_from_slice(line);
            out.extend_from_slice(ending);
        } else if !std::mem::replace(&mut written, true) {
            for part in data.split(|byte| *byte == b'\n') {
                out.extend_from_slice(b"data: ");
                out.extend_from_slice(part);
                out.extend_from_slice(if ending.is_empty() { b"\n" } else { ending });
            }
        }
    }
    out
}

/// The line of NDJSON with another document in it, the white space around as it was.
pub(crate) fn replaced_line(line: &[u8], json: &[u8]) -> Vec<u8> {
    let before = line.len() - line.trim_ascii_start().len();
    let after = line.trim_ascii_end().len();
    [line.get(..before).unwrap_or_default(), json, line.get(after..).unwrap_or_default()].concat()
}

/// What has to come between `bytes`, the last of a stream so far, and an event after them.
pub(super) fn separator(wire: Wire, bytes: &[u8]) -> &'static [u8] {
    let mut rest = bytes;
    let mut last_is_blank = true;
    while !rest.is_empty() {
        let (line, ending, after) = first_line(rest);
        if wire == Wire::Ndjson && ending.is_empty() {
            return b"\n";
        }
        if ending.is_empty() {
            return b"\n\n";
        }
        last_is_blank = line.is_empty();
        rest = after;
    }
    if last_is_blank || wire == Wire::Ndjson { b"" } else { b"\n" }
}

/// The first line, its ending, and the rest.
fn first_line(bytes: &[u8]) -> (&[u8], &[u8], &[u8]) {
    let length = memchr2(b'\n', b'\r', bytes).unwrap_or(bytes.len());
    let (line, rest) = bytes.split_at(length);
    let ending = if rest.starts_with(b"\r\n") { 2 } else { usize::from(!rest.is_empty()) };
    let (ending, after) = rest.split_at(ending);
    (line, ending, after)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_data_is_replaced() {
        for (raw, expected) in [
            ("data: 1\n\n", "data: N\n\n"),
            ("event: e\r\ndata:1\r\nid: 7\r\n\r\n", "event: e\r\ndata: N\r\nid: 7\r\n\r\n"),
            ("data: 1\ndata: 2\n\n", "data: N\n\n"),
            ("database: x\ndata\ndata-x: y\n", "database: x\ndata: N\ndata-x: y\n"),
            ("\u{feff}data: 1\n\n", "\u{feff}data: N\n\n"),
            ("data: 1", "data: N\n"),
        ] {
            assert_eq!(String::from_utf8_lossy(&replaced_data(raw.as_bytes(), b"N")), expected, "{raw:?}");
        }
        assert_eq!(replaced_data(b"data: x\r\r", b"a\nb"), b"data: a\rdata: b\r\r");
        assert_eq!(replaced_line(b" {} \r\n", b"N"), b" N \r\n");
    }

    #[test]
    fn an_event_never_runs_into_the_one_before() {
        for (bytes, expected) in
            [("", ""), ("data: 1\n\n", ""), ("data: 1\r\n\r\n", ""), ("data: 1\n", "\n"), ("data: 1", "\n\n")]
        {
            assert_eq!(separator(Wire::Sse, bytes.as_bytes()), expected.as_bytes(), "{bytes:?}");
        }
        assert_eq!(separator(Wire::Ndjson, b"{}"), b"\n");
        assert_eq!(separator(Wire::Ndjson, b"{}\r\n"), b"");
    }
}
