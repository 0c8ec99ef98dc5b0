//! What HTTP's parser does not tell: whether a head that is framed by `Transfer-Encoding` named a length as well.
//!
//! The parser follows RFC 9112 §6.3, believes `Transfer-Encoding`, closes the connection afterwards, and drops the
//! length. Who sends both is up to something or is behind somebody who is; such a request is refused.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

const LENGTH: &[u8] = b"content-length:";

/// HTTP/2's preface (RFC 9113 §3.4) begins like no method of HTTP/1.
const PREFACE: &[u8] = b"PRI ";

/// The lines of a connection, as they come: which of them begin with a length.
#[derive(Debug, Default)]
pub(super) struct Framing {
    /// How many bytes of the line agree with [`LENGTH`] so far; `None` once one does not.
    line: Matched,
    preface: Matched,
    said: LengthSaid,
}

/// Whether a length was named since it was last asked.
#[derive(Debug, Clone, Default)]
pub(super) struct LengthSaid(Arc<AtomicBool>);

#[derive(Debug, Clone, Copy)]
struct Matched(Option<usize>);

impl Default for Matched {
    fn default() -> Self {
        Self(Some(0))
    }
}

impl Framing {
    pub(super) fn said(&self) -> LengthSaid {
        self.said.clone()
    }

    /// Whether these are frames of HTTP/2, in which no line says anything.
    pub(super) fn is_http2(&self) -> bool {
        self.preface.0 == Some(PREFACE.len())
    }

    /// Takes what was read.
    pub(super) fn read(&mut self, bytes: &[u8]) {
        self.preface.take(PREFACE, bytes);
        if self.is_http2() {
            return;
        }
        let mut lines = memchr::memchr_iter(b'\n', bytes);
        let first = lines.next();
        self.begin(bytes.get(..first.unwrap_or(bytes.len())).unwrap_or_default());
        let starts = first.into_iter().chain(lines);
        for newline in starts {
            self.line = Matched::default();
            let from = newline + 1;
            let end = from.saturating_add(LENGTH.len()).min(bytes.len());
            self.begin(bytes.get(from..end).unwrap_or_default());
        }
    }

    fn begin(&mut self, bytes: &[u8]) {
        self.line.take(LENGTH, bytes);
        if self.line.0 == Some(LENGTH.len()) {
            self.said.0.store(true, Ordering::Relaxed);
        }
    }
}

impl LengthSaid {
    pub(super) fn take(&self) -> bool {
        self.0.swap(false, Ordering::Relaxed)
    }
}

impl Matched {
    /// Compares on, letters of either case alike.
    fn take(&mut self, wanted: &[u8], bytes: &[u8]) {
        let Some(at) = self.0 else { return };
        let rest = wanted.get(at..).unwrap_or_default();
        let length = rest.len().min(bytes.len());
        let alike = rest
            .get(..length)
            .zip(bytes.get(..length))
            .is_some_and(|(rest, bytes)| rest.eq_ignore_ascii_case(bytes));
        self.0 = alike.then_some(at + length);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(pieces: &[&str]) -> bool {
        let mut framing = Framing::default();
        pieces.iter().for_each(|piece| framing.read(piece.as_bytes()));
        framing.said().take()
    }

    #[test]
    fn a_length_is_noticed_wherever_the_bytes_break() {
        let head = "POST / HTTP/1.1\r\nHost: x\r\ncOntent-lengTh: 5\r\nTransfer-Encoding: chunked\r\n\r\n";
        assert!(said(&[head]));
        for at in 0..head.len() {
            let (one, other) = head.split_at(at);
            assert!(said(&[one, other]), "{at}");
        }
        let each: Vec<String> = head.chars().map(String::from).collect();
        assert!(said(&each.iter().map(String::as_str).collect::<Vec<_>>()));
    }

    #[test]
    fn what_only_looks_like_a_length_is_none() {
        assert!(!said(&["POST / HTTP/1.1\r\nX-Content-Length: 5\r\nContent-Lengths: 5\r\n\r\n"]));
        assert!(!said(&["POST /content-length: HTTP/1.1\r\nHost: content-length:\r\n\r\n"]));
        assert!(!said(&["{\"a\":\"content-length:\"}\n  \"content-length:\""]));
    }

    #[test]
    fn it_is_asked_once() {
        let mut framing = Framing::default();
        framing.read(b"GET / HTTP/1.1\r\ncontent-length: 1\r\n\r\n");
        let said = framing.said();
        assert!(said.take());
        assert!(!said.take());
    }

    #[test]
    fn http_2_has_no_lines() {
        let mut framing = Framing::default();
        framing.read(b"PR");
        assert!(!framing.is_http2());
        framing.read(b"I * HTTP/2.0\r\n\r\nSM\r\n\r\n");
        framing.read(b"\ncontent-length: 5\r\n");
        assert!(framing.is_http2());
        assert!(!framing.said().take());
        let mut post = Framing::default();
        post.read(b"POST ");
        assert!(!post.is_http2());
    }
}
