//! A text as readers of JSON read it: escapes opened, with the way back to how it is written.

use std::ops::Range;

use zeroize::Zeroizing;

mod escape;
mod readings;

pub(crate) use self::readings::{Readings, Reads};
use crate::Finding;

/// What `search` finds in `text` and in all that it may be to who `reads` it, by where it is written.
pub(crate) fn find_in_all<E>(
    text: &str,
    reads: Reads,
    search: impl Fn(&str) -> Result<Vec<Finding>, E>,
) -> Result<Vec<Finding>, E> {
    let found = search(text)?;
    let Some(readings) = Readings::of(text, reads) else { return Ok(found) };
    let mut opened = Vec::new();
    for (index, text) in readings.texts().enumerate() {
        let found = search(text)?.into_iter();
        opened.extend(
            found.map(|finding| Finding { range: readings.written(index, &finding.range), ..finding }),
        );
    }
    Ok(readings.union(found, opened))
}

/// The text with its escapes opened.
#[derive(Debug)]
struct Opened {
    text: Zeroizing<String>,
    escapes: Vec<Escape>,
}

/// One escape.
#[derive(Debug, Clone, Copy)]
struct Escape {
    /// Where it is written, and to where.
    from: u32,
    to: u32,
    /// Where its character stands in the opened text, and in how many bytes.
    at: u32,
    length: u32,
}

impl Opened {
    /// What `text` is in a string of JSON; `None` if that is no other text. What is no escape stays as it stands.
    fn strict(text: &str) -> Option<Self> {
        Self::by(text, escape::strict)
    }

    /// What those read who take for an escape whatever looks like one.
    fn loose(text: &str) -> Option<Self> {
        Self::by(text, escape::loose)
    }

    fn by(text: &str, read: impl Fn(&str) -> Option<(char, usize)>) -> Option<Self> {
        u32::try_from(text.len()).ok()?;
        let mut opened = Zeroizing::new(String::with_capacity(text.len()));
        let mut escapes = Vec::new();
        let (mut done, mut from) = (0, 0);
        while let Some(next) = memchr::memchr(b'\\', text.as_bytes().get(from..)?) {
            from += next;
            let Some((c, length)) = read(text.get(from..)?) else {
                from += 1;
                continue;
            };
            opened.push_str(text.get(done..from)?);
            let (at, to) = (opened.len(), from + length);
            escapes.push(Escape {
                from: from as u32,
                to: to as u32,
                at: at as u32,
                length: c.len_utf8() as u32,
            });
            opened.push(c);
            (done, from) = (to, to);
        }
        opened.push_str(text.get(done..)?);
        (!escapes.is_empty()).then_some(Self { text: opened, escapes })
    }

    /// Where `range` of the opened text is written: whole escapes.
    fn written(&self, range: &Range<usize>) -> Range<usize> {
        let start = self.origin(range.start).start;
        let end = range.end.checked_sub(1).map_or(start, |last| self.origin(last).end);
        start..end.max(start)
    }

    /// What the byte `at` of the opened text is written as.
    fn origin(&self, at: usize) -> Range<usize> {
        let before = self.escapes.partition_point(|escape| escape.at as usize <= at);
        let Some(escape) = before.checked_sub(1).and_then(|last| self.escapes.get(last)) else {
            return at..at + 1;
        };
        match at.checked_sub((escape.at + escape.length) as usize) {
            None => escape.from as usize..escape.to as usize,
            Some(offset) => escape.to as usize + offset..escape.to as usize + offset + 1,
        }
    }

    /// The escape that the place `at` of the written text is inside of, neither before nor behind it.
    fn around(&self, at: usize) -> Option<Range<usize>> {
        let next = self.escapes.partition_point(|escape| (escape.to as usize) <= at);
        let escape = self.escapes.get(next).filter(|escape| (escape.from as usize) < at)?;
        Some(escape.from as usize..escape.to as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_found_in_the_opened_text_is_edited_where_it_is_written() {
        let text = r#"{"to":"\u0062ob\u0040example\u002eorg\n","x":"\ud83d\ude00é\ud83d"#;
        let opened = Opened::strict(text).expect("has escapes");
        assert_eq!(*opened.text, "{\"to\":\"bob@example.org\n\",\"x\":\"😀é\u{FFFD}");
        let at = opened.text.find("bob").expect("is there");
        assert_eq!(&text[opened.written(&(at..at + 15))], r"\u0062ob\u0040example\u002eorg");
        assert_eq!(&text[opened.written(&(at + 3..at + 4))], r"\u0040");
        assert_eq!(opened.written(&(0..opened.text.len())), 0..text.len());
        assert_eq!(opened.around(9), Some(7..13));
        assert_eq!((opened.around(7), opened.around(13)), (None, None));
    }

    #[test]
    fn every_range_leads_back_to_what_reads_like_it() {
        let text = r"é\u0040\\\u00fcx\q😀\ud83d\ude00\/\u0031\";
        let opened = Opened::strict(text).expect("has escapes");
        let places: Vec<usize> =
            (0..=opened.text.len()).filter(|at| opened.text.is_char_boundary(*at)).collect();
        for &start in &places {
            for &end in places.iter().filter(|end| **end > start) {
                let part = &text[opened.written(&(start..end))];
                let read = Opened::strict(part).map_or_else(|| part.to_owned(), |part| part.text.to_string());
                assert_eq!(read, opened.text[start..end], "{start}..{end}");
            }
        }
    }

    #[test]
    fn a_text_without_escapes_is_not_opened() {
        for text in ["", "plain", r"C:\Users\q", r"\", r"\u00", r"\x40"] {
            assert!(Opened::strict(text).is_none(), "{text}");
        }
    }
}
