//! Events that are like the one before, but for a piece of text: they need not be parsed.
//!
//! The events of a stream differ from each other in the words they carry and in a running number or time. So an event
//! with the same bytes as one that was parsed, and other plain text in those places, is that event with that text.

use std::ops::Range;

use attach_core::json::{Kind, NodeId, Value};

use super::delta::Slot;

/// Members at the top of an event that may differ and change nothing: OpenAI's running numbers and padding, Ollama's
/// times.
const VARIABLE: [&[u8]; 4] = [b"sequence_number", b"obfuscation", b"created_at", b"created"];
/// No running number has more digits.
const LONGEST_NUMBER: usize = 15;

/// What an event with one piece of a running text looks like.
#[derive(Debug)]
pub(super) struct Shape {
    pub(super) slot: Slot,
    bytes: Vec<u8>,
    holes: Vec<Hole>,
}

#[derive(Debug)]
struct Hole {
    at: Range<usize>,
    is: Is,
}

/// What stands in a hole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Is {
    Piece,
    Text,
    Number,
}

impl Shape {
    /// The shape of the event `raw`, whose `data` has the document `root` with a piece for `slot` at `node`. `None` if
    /// the data isn't written in one part of `raw`.
    pub(super) fn of(raw: &[u8], data: &[u8], root: Value<'_>, slot: Slot, node: NodeId) -> Option<Self> {
        // Where, not what: the same bytes may stand in a comment as well.
        let offset = (data.as_ptr() as usize).checked_sub(raw.as_ptr() as usize)?;
        (raw.get(offset..)?.get(..data.len())? == data).then_some(())?;
        let mut holes: Vec<Hole> = Vec::new();
        for value in root.descendants() {
            let is = match value.kind() {
                Kind::String if value.id() == node => Is::Piece,
                _ if value.parent().map(Value::id) != Some(root.id()) => continue,
                _ if !value.raw_key().is_some_and(|key| VARIABLE.contains(&key)) => continue,
                Kind::String => Is::Text,
                Kind::Number => Is::Number,
                _ => continue,
            };
            let span = value.span();
            let quotes = usize::from(is != Is::Number);
            holes.push(Hole { at: offset + span.start + quotes..offset + span.end - quotes, is });
        }
        Some(Self { slot, bytes: raw.to_vec(), holes })
    }

    /// The piece of text in `raw`, if it is of this shape and neither the piece nor anything else in it is escaped.
    pub(super) fn piece<'e>(&self, raw: &'e [u8]) -> Option<&'e str> {
        let (mut rest, mut at, mut piece) = (raw, 0, None);
        for hole in &self.holes {
            rest = rest.strip_prefix(self.bytes.get(at..hole.at.start)?)?;
            let text;
            (text, rest) = rest.split_at(length(rest, hole.is));
            match hole.is {
                Is::Piece => piece = Some(std::str::from_utf8(text).ok()?),
                // Nothing that could be restored.
                Is::Text if !text.is_ascii() || super::may_have_any(text) => return None,
                Is::Number if text.len() > LONGEST_NUMBER || text.is_empty() || text.starts_with(b"0") => {
                    return None;
                }
                Is::Text | Is::Number => {}
            }
            at = hole.at.end;
        }
        (rest == self.bytes.get(at..)?).then_some(piece).flatten()
    }
}

/// How much of `bytes` is what a hole takes.
fn length(bytes: &[u8], is: Is) -> usize {
    let ends = |byte: &u8| match is {
        Is::Number => !byte.is_ascii_digit(),
        Is::Piece | Is::Text => *byte < 0x20 || matches!(byte, b'"' | b'\\'),
    };
    bytes.iter().position(ends).unwrap_or(bytes.len())
}

#[cfg(test)]
mod tests {
    use attach_core::json::Document;

    use super::super::delta::deltas;
    use super::*;

    fn shape(raw: &str) -> Shape {
        let data = raw.split_once("data: ").expect("has data").1.trim_end();
        let document = Document::parse(data.as_bytes().to_vec().into()).expect("is JSON");
        let delta = deltas(document.root()).pop().expect("has a delta");
        Shape::of(raw.as_bytes(), data.as_bytes(), document.root(), delta.slot, delta.node)
            .expect("has a shape")
    }

    #[test]
    fn an_event_of_the_same_shape_is_read_without_parsing() {
        let first = "event: e\ndata: {\"sequence_number\":9,\"type\":\"response.output_text.delta\",\"delta\":\"a\",\"obfuscation\":\"x\"}\n\n";
        let shape = shape(first);
        let other = first.replace(":9", ":10").replace("\"a\"", "\"été\"").replace("\"x\"", "\"yz\"");
        assert_eq!(shape.piece(first.as_bytes()), Some("a"));
        assert_eq!(shape.piece(other.as_bytes()), Some("été"));
        for (from, to) in [
            (":9", ":09"),
            (":9", ":"),
            (":9", ":9.5"),
            ("\"a\"", r#""\u0061""#),
            ("\"a\"", "\"a\nb\""),
            ("\"x\"", "\"PII_X\""),
            ("delta\":", "other\":"),
            ("}\n\n", "}\n"),
            ("event: e", "event: f"),
            ("\"a\"", "\"a\",\"b\":\"c\""),
        ] {
            assert_eq!(shape.piece(first.replacen(from, to, 1).as_bytes()), None, "{from} {to}");
        }
        assert_eq!(shape.piece(&first.as_bytes()[..40]), None);
    }
}
