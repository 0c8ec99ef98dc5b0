//! E-mail addresses: RFC 5321 as people write them, non-ASCII letters included.

use std::ops::Range;

use crate::engine::{Hits, Match, Pattern};
use crate::{Entity, Finding};

/// Local part and domain. Quoted local parts are not looked for, nor signs that also separate: `=`, `/`, `?` …
const PATTERN: &str = concat!(
    r"(?<![A-Za-z0-9_%+\-]|[^\x00-\x7F])",
    r"(?:[A-Za-z0-9_+]|[^\x00-\x7F])(?:[A-Za-z0-9._%+'\-]|[^\x00-\x7F]){0,63}(?<![.'])",
    r"@(?:(?:[A-Za-z0-9]|[^\x00-\x7F])(?:[A-Za-z0-9\-]|[^\x00-\x7F]){0,62}\.){1,8}",
    r"(?:xn--[A-Za-z0-9\-]{2,59}|(?:[A-Za-z]|[^\x00-\x7F]){2,24})(?![A-Za-z0-9\-@])",
);

/// What looks like a top-level domain in the names of files.
const FILES: [&str; 14] =
    ["png", "jpg", "jpeg", "gif", "svg", "webp", "css", "js", "mjs", "json", "html", "xml", "tsx", "jsx"];

#[derive(Debug)]
pub(crate) struct Email(Pattern);

impl Email {
    pub(crate) fn new() -> Result<Self, Box<str>> {
        Pattern::new(PATTERN).map(Self)
    }

    pub(crate) fn scan(&self, hits: &mut Hits<'_>, window: Range<usize>) {
        let text = hits.text;
        self.0.scan(text, window.clone(), |found| match found {
            Match::At(range) if is_address(&text[range.clone()]) && !is_userinfo(text, range.start) => {
                hits.push(Finding::new(range, Entity::Email, 1.0));
                true
            }
            Match::At(_) => false,
            Match::GivenUp => {
                hits.push(Finding::new(window.clone(), Entity::Email, 1.0));
                true
            }
        });
    }
}

/// Neither a file such as `logo@2x.png` nor the user of every Git server.
fn is_address(address: &str) -> bool {
    let Some((local, domain)) = address.rsplit_once('@') else { return false };
    let top = domain.rsplit('.').next().unwrap_or_default();
    local != "git" && !FILES.iter().any(|file| top.eq_ignore_ascii_case(file))
}

/// Whether an address that begins at `start` is the user and the host of a URL.
fn is_userinfo(text: &str, start: usize) -> bool {
    let before = text.as_bytes()[..start].iter().rev().take(256);
    let part = before
        .take_while(|byte| !byte.is_ascii_whitespace() && !matches!(byte, b'/' | b'"' | b'<' | b'?'))
        .count();
    text.as_bytes()[..start - part].ends_with(b"://")
}
