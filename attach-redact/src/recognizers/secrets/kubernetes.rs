//! The data of a Kubernetes Secret in YAML or JSON (API reference, core/v1 Secret).

use std::ops::Range;

use super::{before, is_key, push};
use crate::engine::{Hits, ceil, floor};

/// What a manifest of one says.
pub(super) const KINDS: &[&str] =
    &["kind: secret", "kind: \"secret", "kind: 'secret", "\"kind\": \"secret", "\"kind\":\"secret"];

/// How far from its kind the data of one may be.
const REACH: usize = 2048;

/// The shortest value, encoded, that is taken for a secret.
const SHORTEST: usize = 10;

/// Looks at the manifest whose kind is at `word`.
pub(super) fn scan(hits: &mut Hits<'_>, word: Range<usize>) {
    let text = hits.text;
    let other = text.as_bytes().get(word.end).is_some_and(|byte| is_key(*byte));
    if other || is_key(before(text, word.start)) {
        return;
    }
    let from = ceil(text, word.start.saturating_sub(REACH));
    let until = floor(text, word.end.saturating_add(REACH));
    let (Some(above), Some(below)) = (text.get(from..word.start), text.get(word.end..until)) else { return };
    // As far as the document, and another kind, which has data of its own.
    let (from, above) =
        above.rsplit_once("kind").map_or((from, above), |(other, above)| (from + other.len() + 4, above));
    let from = above.rfind("\n---").map_or(from, |at| from + at + 4);
    let below = below.split_once("kind").map_or(below, |(below, _)| below);
    let below = below.find("\n---").unwrap_or(below.len());
    let places = [data(text, from..word.start), data(text, word.end..word.end + below)];
    for block in places.into_iter().flatten() {
        values(text, block).into_iter().for_each(|value| push(hits, value, 0.9));
    }
}

/// Where the lines of `data:` or `stringData:` in `range` are: those that are further in than it.
fn data(text: &str, range: Range<usize>) -> Option<Range<usize>> {
    let part = text.get(range.clone())?;
    let (key, name) = part.match_indices("ata").find_map(|(at, _)| {
        let name = ["stringData", "data"]
            .iter()
            .find(|name| part.get(..at + 3).is_some_and(|p| p.ends_with(*name)))?;
        let start = at + 3 - name.len();
        let ends = part.get(at + 3..)?.trim_start_matches(['"', '\'']).starts_with(':');
        (ends && !is_key(before(part, start)) && before(part, start) != b'-').then_some((start, name))
    })?;
    let indent = key - part.get(..key)?.rfind('\n').map_or(0, |at| at + 1);
    let from = key + name.len() + 1;
    let inline = part.get(from..)?.trim_start_matches([':', ' ']).starts_with('{');
    let first = part.get(from..)?.find(if inline { '}' } else { '\n' });
    let mut end = first.map_or(part.len(), |at| from + at + 1);
    for line in part.get(end..)?.split_inclusive('\n').take_while(|_| !inline) {
        if !line.trim().is_empty() && self::indent(line) <= indent {
            break;
        }
        end += line.len();
    }
    Some(range.start + from..range.start + end)
}

fn indent(line: &str) -> usize {
    line.len() - line.trim_start_matches([' ', '\t']).len()
}

/// The values of `name: value` in `block`, on the same line or on the next.
fn values(text: &str, block: Range<usize>) -> Vec<Range<usize>> {
    let bytes = text.as_bytes();
    let mut found = Vec::new();
    let mut at = block.start;
    while let Some(colon) = memchr::memchr(b':', &bytes[at..block.end]).map(|offset| at + offset) {
        let blank = |byte: &&u8| byte.is_ascii_whitespace() || b"|>-+\"'".contains(byte);
        let start = colon + 1 + bytes[colon + 1..block.end].iter().take_while(blank).count();
        let inside = |byte: &&u8| byte.is_ascii_alphanumeric() || b"+/=".contains(byte);
        let length = bytes[start..block.end].iter().take_while(inside).count();
        let ended = bytes
            .get(start + length)
            .is_none_or(|byte| byte.is_ascii_whitespace() || b"\"',}".contains(byte));
        if ended && text[start..start + length].trim_end_matches('=').len() >= SHORTEST {
            found.push(start..start + length);
        }
        at = start + length;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<&str> {
        let block = data(text, 0..text.len());
        block
            .map_or_else(Vec::new, |block| values(text, block))
            .into_iter()
            .map(|range| &text[range])
            .collect()
    }

    #[test]
    fn values_are_found_on_their_line_and_below() {
        assert_eq!(
            found("data:\n  # note\n  key: c2VjcmV0LXZhbHVl\ntype: OpaqueOpaqueOpaque"),
            ["c2VjcmV0LXZhbHVl"]
        );
        assert_eq!(found("  data:\n    .docker: |\n      c2VjcmV0LXZhbHVl\n"), ["c2VjcmV0LXZhbHVl"]);
        assert_eq!(found("data:\n\ta: 'c2VjcmV0LXZhbHVl'\n\tuser: YWRtaW4="), ["c2VjcmV0LXZhbHVl"]);
        assert_eq!(
            found(r#""data": {"a": "c2VjcmV0LXZhbHVl"}, "name": "registryauthdata"}"#),
            ["c2VjcmV0LXZhbHVl"]
        );
        assert_eq!(
            found("- data:\n    a: c2VjcmV0LXZhbHVl\n  metadata:\n    name: registryauthdata"),
            ["c2VjcmV0LXZhbHVl"]
        );
    }

    #[test]
    fn templates_and_empty_values_are_left() {
        assert!(found("data:\n  a: {{ .Values.password }}\n  b: \"\"\n  c: ''").is_empty());
        assert!(found("metadata:\n  name: registry-auth-data\n").is_empty());
    }
}
