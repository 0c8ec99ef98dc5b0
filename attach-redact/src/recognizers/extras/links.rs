//! URLs (RFC 3986) of the web, and domain names without a scheme.

use std::net::Ipv4Addr;
use std::ops::Range;

use super::domains::{is_plain, is_top_level};
use crate::engine::Hits;
use crate::{Entity, Finding};

/// The longest domain name (RFC 1035 §2.3.4), and the longest path that is taken with it.
const DOMAIN: usize = 253;
const PATH: usize = 2048;
/// The longest user and password.
const USER: usize = 128;

/// Looks at the domain that the dot at `at` lies in, but not before `from`. Gives how far it looked.
pub(super) fn scan(hits: &mut Hits<'_>, at: usize, from: usize) -> usize {
    let text = hits.text.as_bytes();
    let left = text[from..at].iter().rev().take(DOMAIN).take_while(|byte| in_domain(**byte)).count();
    let right = text[at..].iter().take(DOMAIN).take_while(|byte| in_domain(**byte)).count();
    let run = at - left..at + right;
    let ends = |byte: &u8| matches!(byte, b'.' | b'-');
    let lead = text[run.clone()].iter().take_while(|byte| ends(byte)).count();
    let tail = text[run.clone()].iter().rev().take_while(|byte| ends(byte)).count();
    if lead + tail >= run.len() {
        return run.end;
    }
    let host = run.start + lead..run.end - tail;
    let Some((range, score)) = link(hits, host) else { return run.end };
    let end = range.end.max(run.end);
    hits.push(Finding::new(range, Entity::Url, score));
    end
}

/// The URL that a host stands in, and how sure it is one.
fn link(hits: &Hits<'_>, host: Range<usize>) -> Option<(Range<usize>, f32)> {
    let (text, bytes) = (hits.text, hits.text.as_bytes());
    let name = text.get(host.clone())?;
    let scheme = scheme(text, host.start);
    let known = name.rsplit_once('.').is_some_and(|(_, last)| is_known(last, name, scheme.is_some()));
    let address = scheme.is_some() && name.parse::<Ipv4Addr>().is_ok();
    if !known && !address || name.contains("..") {
        return None;
    }
    let end = host.end + rest(bytes.get(host.end..)?);
    if let Some(start) = scheme {
        return Some((start..end, 0.6));
    }
    let before = host.start.checked_sub(1).and_then(|at| bytes.get(at));
    let part = before.is_some_and(|byte| b"@_/\\$#~%&=:-".contains(byte) || *byte >= 0x80);
    let goes_on = bytes.get(host.end).is_some_and(|byte| b"@_(=[{".contains(byte) || *byte >= 0x80);
    (!part && !goes_on && !hits.is_code(host.start)).then_some((host.start..end, 0.5))
}

fn in_domain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-')
}

/// Whether `last` is a top-level domain, written as one: in small letters, or all of the name in capitals.
fn is_known(last: &str, name: &str, has_scheme: bool) -> bool {
    let lower = last.to_ascii_lowercase();
    let written = last == lower || !name.bytes().any(|byte| byte.is_ascii_lowercase()) || has_scheme;
    let www = name.get(..4).is_some_and(|head| head.eq_ignore_ascii_case("www."));
    written && is_top_level(&lower) && (has_scheme || www || is_plain(&lower) && !is_member(name))
        // `www.` and a top-level domain alone is `www.microsoft`'s kind.
        && !(www && name.matches('.').count() == 1)
}

/// Whether a name is an object's and its member's, as programs write them.
fn is_member(name: &str) -> bool {
    let object = name.split('.').next().unwrap_or_default();
    object.len() < 2 || matches!(object, "self" | "this" | "cls" | "super" | "other" | "op")
}

/// Where the scheme of a host at `start` begins, if it has one.
fn scheme(text: &str, start: usize) -> Option<usize> {
    let before = text.get(..start)?;
    // A user and a password may stand between.
    let near = crate::engine::ceil(text, start.saturating_sub(USER));
    let authority = match before.strip_suffix('@') {
        Some(_) => near + before.get(near..)?.rfind("://")? + 3,
        None => start,
    };
    if text.get(authority..start)?.bytes().any(|byte| byte.is_ascii_whitespace() || byte == b'/') {
        return None;
    }
    let head = text.as_bytes().get(..authority)?;
    let ends = |scheme: &str| {
        let at = head.len().checked_sub(scheme.len())?;
        let same = head.get(at..)?.eq_ignore_ascii_case(scheme.as_bytes());
        (same && !at.checked_sub(1).and_then(|at| head.get(at)).is_some_and(u8::is_ascii_alphanumeric))
            .then_some(at)
    };
    ["https://", "http://", "ftp://", "ftps://", "wss://", "ws://"].into_iter().find_map(ends)
}

/// The length of the port, the path, the query and the fragment, without punctuation that ends a sentence.
fn rest(after: &[u8]) -> usize {
    let port = match after.first() {
        Some(b':') => after.iter().skip(1).take(5).take_while(|byte| byte.is_ascii_digit()).count(),
        _ => 0,
    };
    let port = if port > 0 { port + 1 } else { 0 };
    let Some(path) = after.get(port..).filter(|path| matches!(path.first(), Some(b'/' | b'?' | b'#'))) else {
        return port;
    };
    let inside = |byte: &u8| !byte.is_ascii_whitespace() && *byte < 0x80 && !b"()<>\"'`{}|\\".contains(byte);
    let length = path.iter().take(PATH).take_while(|byte| inside(byte)).count();
    let tail = path[..length].iter().rev().take_while(|byte| b".,;:!?*]".contains(byte)).count();
    port + length - tail
}

#[cfg(test)]
mod tests {
    use crate::{Action, Entity, Redactor};

    fn urls(text: &str) -> Vec<String> {
        let redactor = Redactor::builder().entity(Entity::Url, Action::Replace).build().expect("builds");
        let found = redactor.find(text).into_iter().filter(|finding| finding.entity == Entity::Url);
        found.map(|finding| text[finding.range].to_owned()).collect()
    }

    #[test]
    fn urls_and_domains_are_found_whole() {
        assert_eq!(urls("see https://example.com/a?b=c#d."), ["https://example.com/a?b=c#d"]);
        assert_eq!(urls("HTTP://WWW.EXAMPLE.ORG:8080/x, then"), ["HTTP://WWW.EXAMPLE.ORG:8080/x"]);
        assert_eq!(urls("my domains: example.com shop.example.co.il"), ["example.com", "shop.example.co.il"]);
        assert_eq!(urls("http://192.0.2.7/users/bob"), ["http://192.0.2.7/users/bob"]);
    }

    #[test]
    fn what_only_looks_like_a_domain_is_left() {
        for text in [
            "bob@example.com",
            "http://example",
            "www.example",
            "the end.It was",
            "src/main.rs",
            "main.rs",
            "a.is_some()",
            "...",
        ] {
            assert!(urls(text).is_empty(), "{text}: {:?}", urls(text));
        }
    }

    #[test]
    fn a_text_of_dots_is_read_in_linear_time() {
        assert!(urls(&"a.".repeat(200_000)).is_empty());
    }
}
