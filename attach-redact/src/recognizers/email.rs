//! E-mail addresses: RFC 5321 as people write them, non-ASCII letters included.

use std::ops::Range;

use crate::engine::Hits;
use crate::{Entity, Finding};

/// What looks like a top-level domain in the names of files.
const FILES: [&str; 14] =
    ["png", "jpg", "jpeg", "gif", "svg", "webp", "css", "js", "mjs", "json", "html", "xml", "tsx", "jsx"];

/// Characters of a local part and of a label, labels, and characters of a top-level domain, at most.
const LOCAL: usize = 64;
pub(super) const LABEL: usize = 63;
pub(super) const LABELS: usize = 9;
pub(super) const TOP: usize = 24;

/// Looks at the address around the `@` at `at`. Quoted local parts are not looked for, nor signs that also separate:
/// `=`, `/`, `?` …
pub(crate) fn scan(hits: &mut Hits<'_>, at: usize) {
    let text = hits.text;
    let (Some(start), Some(end)) = (local(text, at), domain(text, at + 1)) else { return };
    accept(hits, start..end);
}

/// Takes down what has the form of an address if it is one.
pub(crate) fn accept(hits: &mut Hits<'_>, range: Range<usize>) -> bool {
    let text = hits.text;
    let accepted = text.get(range.clone()).is_some_and(is_address) && !is_userinfo(text, range.start);
    if accepted {
        hits.push(Finding::new(range, Entity::Email, 1.0));
    }
    accepted
}

/// Where the local part before `at` begins.
pub(super) fn local(text: &str, at: usize) -> Option<usize> {
    let before = text.get(..at)?;
    if before.ends_with(['.', '\'']) {
        return None;
    }
    let inside = |c: &char| c.is_alphanumeric() || matches!(c, '.' | '_' | '%' | '+' | '\'' | '-');
    let length: usize = before.chars().rev().take(LOCAL).take_while(inside).map(char::len_utf8).sum();
    let run = &before[at - length..];
    run.find(|c: char| c.is_alphanumeric() || matches!(c, '_' | '+')).map(|first| at - length + first)
}

/// Where the domain that begins at `start` ends: after the last label that can be a top-level domain.
fn domain(text: &str, start: usize) -> Option<usize> {
    let (mut at, mut found) = (start, None);
    for index in 0..LABELS {
        let rest = text.get(at..)?;
        let inside = |c: &char| c.is_alphanumeric() || *c == '-';
        let length: usize = rest.chars().take(LABEL).take_while(inside).map(char::len_utf8).sum();
        let label = &rest[..length];
        let next = rest[length..].chars().next();
        if label.is_empty() || label.starts_with('-') || next.as_ref().is_some_and(inside) {
            break;
        }
        let top = without_dash(label);
        if index > 0 && is_top(top) && !rest[top.len()..].starts_with('@') {
            found = Some(at + top.len());
        } else if index > 0
            && let Some(top) = glued(label)
        {
            found = Some(at + top);
        }
        at += length;
        if next != Some('.') {
            break;
        }
        at += 1;
    }
    found
}

/// A label without the dash of the sentence that goes on behind it.
fn without_dash(label: &str) -> &str {
    match label.split_once("--") {
        Some((top, _)) if !top.eq_ignore_ascii_case("xn") => top,
        _ => label.trim_end_matches('-'),
    }
}

/// The length of the top-level domain in letters of ASCII that other letters follow, as where there are no spaces.
fn glued(label: &str) -> Option<usize> {
    let letters = label.bytes().take_while(u8::is_ascii_alphabetic).count();
    let goes_on = label.as_bytes().get(letters).is_some_and(|byte| !byte.is_ascii());
    (goes_on && (2..=TOP).contains(&letters)).then_some(letters)
}

fn is_top(label: &str) -> bool {
    let punycode = label.get(..4).is_some_and(|head| head.eq_ignore_ascii_case("xn--")) && label.len() > 5;
    let letters = || label.chars().all(|c| !c.is_ascii() || c.is_ascii_alphabetic());
    punycode || ((2..=TOP).contains(&label.chars().count()) && letters())
}

/// Neither a file such as `logo@2x.png` nor the user of every Git server.
fn is_address(address: &str) -> bool {
    let Some((local, domain)) = address.rsplit_once('@') else { return false };
    local != "git" && !is_file(domain.rsplit('.').next().unwrap_or_default())
}

/// Whether `top` is no domain but the kind of a file.
pub(super) fn is_file(top: &str) -> bool {
    FILES.iter().any(|file| top.eq_ignore_ascii_case(file))
}

/// Whether an address that begins at `start` is the user and the host of a URL.
pub(super) fn is_userinfo(text: &str, start: usize) -> bool {
    let before = text.as_bytes()[..start].iter().rev().take(256);
    let part = before
        .take_while(|byte| !byte.is_ascii_whitespace() && !matches!(byte, b'/' | b'"' | b'<' | b'?'))
        .count();
    text.as_bytes()[..start - part].ends_with(b"://")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Option<&str> {
        let at = text.find('@')?;
        Some(&text[local(text, at)?..domain(text, at + 1)?])
    }

    #[test]
    fn an_address_ends_where_its_domain_ends() {
        assert_eq!(found("<o'neil+x@mail.example.org>."), Some("o'neil+x@mail.example.org"));
        assert_eq!(found("bob@example.org.5"), Some("bob@example.org"));
        assert_eq!(found("ünïcode@müller.example"), Some("ünïcode@müller.example"));
        assert_eq!(found("a@b.xn--p1ai, c"), Some("a@b.xn--p1ai"));
        assert_eq!(found("bob@example.org536さん"), None);
        assert_eq!(found("bob@example.orgを536"), Some("bob@example.org"));
        assert_eq!(found("-bob@example.org-x"), None);
        assert_eq!(found("bob@example.org--he knows"), Some("bob@example.org"));
        assert_eq!(found("bob@example.org-"), Some("bob@example.org"));
        assert_eq!(found("bob@a--b.example.org"), Some("bob@a--b.example.org"));
        for none in ["bob@example", "bob@-example.org", "bob.@example.org", "@example.org", "a@b.c0m"] {
            assert_eq!(found(none), None, "{none}");
        }
    }
}
