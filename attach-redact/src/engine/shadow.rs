//! A plain rendering of a text in which characters were swapped for look-alikes, with the way back.

use std::ops::Range;

mod confusable;
mod fold;

use self::confusable::confusable;
use self::fold::{folded, plain};

/// The text as it reads: invisible characters dropped, digits, letters, signs, dashes and spaces of other scripts and
/// widths in ASCII.
#[derive(Debug)]
pub(crate) struct Shadow {
    pub(crate) text: String,
    edits: Vec<Edit>,
}

/// One character that reads as another or isn't seen.
#[derive(Debug, Clone, Copy)]
struct Edit {
    /// Where it begins in the original, and where it ends.
    from: u32,
    to: u32,
    /// Where it stands in the shadow, in one byte or in none.
    at: u32,
    plain: Option<u8>,
}

impl Shadow {
    /// Makes the tables, so that nobody's request has to.
    pub(crate) fn warm_up() {
        folded();
    }

    /// The shadow of `text`, if it differs from it.
    pub(crate) fn of(text: &str) -> Option<Self> {
        if text.is_ascii() || u32::try_from(text.len()).is_err() {
            return None;
        }
        Self::with(text, edits(text))
    }

    /// What is written in tags, which no reader sees but models do: every other character is a line end.
    pub(crate) fn hidden(text: &str) -> Option<Self> {
        const LEAD: [u8; 3] = [0xF3, 0xA0, 0x81];
        memchr::memmem::find(text.as_bytes(), &LEAD)?;
        u32::try_from(text.len()).ok()?;
        let edit = |(from, c): (usize, char)| {
            let tag = matches!(c, '\u{E0020}'..='\u{E007E}').then_some((c as u32 & 0x7F) as u8);
            Edit { from: from as u32, to: (from + c.len_utf8()) as u32, at: 0, plain: tag.or(Some(b'\n')) }
        };
        Self::with(text, text.char_indices().map(edit).collect())
    }

    fn with(text: &str, mut edits: Vec<Edit>) -> Option<Self> {
        if edits.is_empty() {
            return None;
        }
        let mut shadow = String::with_capacity(text.len());
        let mut done = 0;
        for edit in &mut edits {
            shadow.push_str(text.get(done..edit.from as usize).unwrap_or_default());
            edit.at = shadow.len() as u32;
            shadow.extend(edit.plain.map(char::from));
            done = edit.to as usize;
        }
        shadow.push_str(text.get(done..).unwrap_or_default());
        Some(Self { text: shadow, edits })
    }

    /// The range of the original that `range` of the shadow stands for, with what is invisible inside it and
    /// behind it.
    pub(crate) fn original(&self, range: &Range<usize>) -> Range<usize> {
        let start = self.origin(range.start).start;
        let last = range.end.checked_sub(1).map_or(start, |last| self.origin(last).end);
        let next = self.edits.partition_point(|edit| edit.from < last as u32);
        let unseen = self.edits.get(next..).unwrap_or_default().iter();
        let end = unseen
            .take_while(|edit| edit.plain.is_none() && edit.at as usize == range.end)
            .map(|edit| edit.to as usize);
        start..end.last().unwrap_or(last).max(start)
    }

    /// The byte of the original, or the character, that the byte `at` of the shadow stands for.
    fn origin(&self, at: usize) -> Range<usize> {
        let before = self.edits.partition_point(|edit| edit.at as usize <= at);
        let Some(edit) = before.checked_sub(1).and_then(|last| self.edits.get(last)) else {
            return at..at + 1;
        };
        let past = edit.at as usize + usize::from(edit.plain.is_some());
        match at.checked_sub(past) {
            None => edit.from as usize..edit.to as usize,
            Some(offset) => edit.to as usize + offset..edit.to as usize + offset + 1,
        }
    }
}

/// Every character that reads as another, run by run of what is not ASCII.
fn edits(text: &str) -> Vec<Edit> {
    let bytes = text.as_bytes();
    let folded = folded();
    let mut edits = Vec::new();
    let mut at = 0;
    while let Some(start) = next(bytes, at, |byte| byte >= 0x80) {
        let end = next(bytes, start, |byte| byte < 0x80).unwrap_or(bytes.len());
        let run = start..end;
        if is_disguised(text, &run) {
            push(text, run, &mut edits, |c| confusable(c).map_or_else(|| plain(c), |c| Some(Some(c))));
        } else {
            let mut at = start;
            while at < end {
                let (reads, length) = folded.next(bytes, at);
                if reads {
                    push(text, at..at + length, &mut edits, plain);
                }
                at += length;
            }
        }
        at = end;
    }
    edits
}

fn next(bytes: &[u8], from: usize, is: impl Fn(u8) -> bool) -> Option<usize> {
    bytes.get(from..)?.iter().position(|byte| is(*byte)).map(|offset| from + offset)
}

/// Takes down what `read` says of the characters of `run`.
fn push(text: &str, run: Range<usize>, edits: &mut Vec<Edit>, read: impl Fn(char) -> Option<Option<u8>>) {
    let start = run.start;
    for (offset, c) in text.get(run).unwrap_or_default().char_indices() {
        if let Some(plain) = read(c) {
            let from = start + offset;
            edits.push(Edit { from: from as u32, to: (from + c.len_utf8()) as u32, at: 0, plain });
        }
    }
}

/// Whether `run` has only letters that look like those of ASCII and belongs to a word with such letters: then it is
/// neither Cyrillic nor Greek but a disguise. So are the letters of an IBAN's country, and
/// letters among digits, as of a network card's address.
fn is_disguised(text: &str, run: &Range<usize>) -> bool {
    let bytes = text.as_bytes();
    let lettered = |byte: Option<&u8>| byte.is_some_and(|byte| byte.is_ascii_alphabetic() || *byte == b'_');
    let before = run.start.checked_sub(1).and_then(|at| bytes.get(at));
    let after = bytes.get(run.end);
    let numbered = || bytes.get(run.end..run.end + 2).is_some_and(|two| two.iter().all(u8::is_ascii_digit));
    let digit = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_digit);
    let inner = |byte: Option<&u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b':');
    let last = run.start.checked_sub(2).is_some_and(|at| bytes.get(at) == Some(&b':'));
    let within = digit(before) && (inner(after) || last) || digit(after) && before == Some(&b':');
    let beside = lettered(before) || lettered(after) || within || (run.len() == 4 && numbered());
    let letters = || text.get(run.clone()).unwrap_or_default().chars();
    beside
        && letters().all(|c| confusable(c).is_some() || plain(c).is_some())
        && letters().any(|c| confusable(c).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> String {
        Shadow::of(text).map_or_else(|| text.to_owned(), |shadow| shadow.text)
    }

    #[test]
    fn look_alikes_read_as_ascii_and_lead_back() {
        let text = "mail: bob\u{200B}＠example．org, ４111\u{a0}1111";
        let shadow = Shadow::of(text).expect("it differs");
        assert_eq!(shadow.text, "mail: bob@example.org, 4111 1111");
        let range = shadow.text.find("bob@example.org").map(|at| at..at + 15).expect("is there");
        assert_eq!(&text[shadow.original(&range)], "bob\u{200B}＠example．org");
        assert_eq!(shadow.original(&(0..shadow.text.len())), 0..text.len());
    }

    #[test]
    fn every_range_leads_back_to_whole_characters() {
        let text = "é\u{200B}４\u{200B}\u{200B}ü＠x\u{FEFF}😀𝐛1\u{336}z\u{AD}";
        let shadow = Shadow::of(text).expect("it differs");
        let places: Vec<usize> =
            (0..=shadow.text.len()).filter(|at| shadow.text.is_char_boundary(*at)).collect();
        for &start in &places {
            for &end in places.iter().filter(|end| **end > start) {
                let original = shadow.original(&(start..end));
                let part = text.get(original).expect("on boundaries");
                assert_eq!(read(part), shadow.text[start..end], "{start}..{end}");
            }
        }
    }

    #[test]
    fn no_character_that_reads_as_another_is_passed_over() {
        for c in '\u{80}'..=char::MAX {
            assert_eq!(Shadow::of(&c.to_string()).is_some(), plain(c).is_some(), "{:x}", c as u32);
        }
    }

    #[test]
    fn other_scripts_have_no_shadow() {
        assert!(Shadow::of("plain").is_none());
        assert!(
            Shadow::of("Grüße an Œuvre, привет, Афины: ΑΒΓ, 你好 Python和Rust, SMS-сообщение, µm").is_none()
        );
    }

    #[test]
    fn a_letter_in_disguise_is_read_and_words_of_its_script_are_not() {
        assert_eq!(read("ghр_x АKIA DЕ89 ѕk-"), "ghp_x AKIA DE89 sk-");
        assert_eq!(read("ЕЅ12"), "ES12");
        assert_eq!(read("он сказал iPhoneом"), "он сказал iPhoneом");
    }

    #[test]
    fn letters_and_digits_in_costume_are_read() {
        assert_eq!(read("𝐛𝐨𝐛@𝓮𝔁𝒶𝓶𝖕𝗅𝘦.ⓞⓡⓖ"), "bob@example.org");
        assert_eq!(read("4\u{FE0F}\u{20E3}①❷𝟛𝟜⁵₆٧۸९1\u{336}"), "412345678９1".replace('９', "9"));
        assert_eq!(read("Rene\u{301}"), "Rene");
    }

    #[test]
    fn what_is_written_in_tags_is_read_by_itself() {
        let tags: String = "bob@x".bytes().filter_map(|b| char::from_u32(0xE0000 + u32::from(b))).collect();
        let text = format!("hi{tags}!");
        let shadow = Shadow::hidden(&text).expect("has tags");
        assert_eq!(shadow.text, "\n\nbob@x\n");
        assert_eq!(&text[shadow.original(&(2..7))], tags);
        assert!(Shadow::hidden("🏴 😀").is_none());
    }
}
