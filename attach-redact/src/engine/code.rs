//! Where a text is code: between Markdown's fences and backticks.

use std::ops::Range;

/// The fenced blocks and inline spans of `text`, in order.
pub(crate) fn ranges(text: &str) -> Vec<Range<usize>> {
    let bytes = text.as_bytes();
    let mut found = Vec::new();
    let mut at = 0;
    let mut paragraph = 0;
    while let Some(start) = memchr::memchr(b'`', &bytes[at..]).map(|offset| at + offset) {
        let width = bytes[start..].iter().take_while(|byte| **byte == b'`').count();
        let inside = start + width;
        let end = if width >= 3 {
            // A fence that is never closed goes on to the end (CommonMark §4.5).
            closing(bytes, inside, width).unwrap_or(bytes.len())
        } else {
            // A span stays within its paragraph (§6.1), whose end is looked for once.
            if paragraph <= inside {
                paragraph =
                    memchr::memmem::find(&bytes[inside..], b"\n\n").map_or(bytes.len(), |end| inside + end);
            }
            match closing(&bytes[..paragraph.max(inside)], inside, width) {
                Some(end) => end,
                None => {
                    at = inside;
                    continue;
                }
            }
        };
        found.push(start..end);
        at = end;
    }
    found
}

/// The end of the next run of exactly `width` backticks, or of at least as many for a fence.
fn closing(bytes: &[u8], from: usize, width: usize) -> Option<usize> {
    let mut at = from;
    loop {
        let start = at + memchr::memchr(b'`', &bytes[at..])?;
        let length = bytes[start..].iter().take_while(|byte| **byte == b'`').count();
        if length == width || (width >= 3 && length > width) {
            return Some(start + length);
        }
        at = start + length;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fences_and_spans() {
        let code =
            |text: &str| ranges(text).into_iter().map(|range| text[range].to_owned()).collect::<Vec<_>>();
        assert_eq!(code("a `b` c\n```rust\nlet d;\n```\ne"), ["`b`", "```rust\nlet d;\n```"]);
        assert_eq!(code("never ```closed"), ["```closed"]);
        assert!(code("it's a ` lone one\n\nand ` another").is_empty());
    }
}
