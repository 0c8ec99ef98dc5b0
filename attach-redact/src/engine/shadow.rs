//! A plain rendering of a text in which characters were swapped for look-alikes, with the way back.

use std::ops::Range;

/// The text as it reads: invisible characters dropped, digits, signs, dashes and spaces of other scripts and widths
/// in ASCII.
#[derive(Debug)]
pub(crate) struct Shadow {
    pub(crate) text: String,
    /// For every byte of the text, where its original begins; at the end, where the original ends.
    origins: Vec<u32>,
    /// For every byte of the text, where its original ends.
    ends: Vec<u32>,
}

impl Shadow {
    /// The shadow of `text`, if it differs from it.
    pub(crate) fn of(text: &str) -> Option<Self> {
        if text.is_ascii() || u32::try_from(text.len()).is_err() || !differs(text) {
            return None;
        }
        let mut shadow =
            Self { text: String::with_capacity(text.len()), origins: Vec::new(), ends: Vec::new() };
        for (at, original) in text.char_indices() {
            let Some(plain) = plain(original) else { continue };
            shadow.text.push(plain);
            let bytes = plain.len_utf8();
            shadow.origins.extend(std::iter::repeat_n(at as u32, bytes));
            shadow.ends.extend(std::iter::repeat_n((at + original.len_utf8()) as u32, bytes));
        }
        Some(shadow)
    }

    /// The range of the original that `range` of the shadow stands for, with what is invisible inside it.
    pub(crate) fn original(&self, range: &Range<usize>) -> Range<usize> {
        let start = self.origins.get(range.start).copied().unwrap_or(0);
        let last = range.end.checked_sub(1).and_then(|last| self.ends.get(last)).copied().unwrap_or(start);
        start as usize..last.max(start) as usize
    }
}

/// Whether any character of `text` reads as another. Only some leading bytes can be of such a character.
fn differs(text: &str) -> bool {
    let leads = |byte: u8| {
        matches!(byte, 0xC2 | 0xCD | 0xD8 | 0xD9 | 0xDB | 0xDF | 0xE0..=0xE3 | 0xEA | 0xEF | 0xF0 | 0xF3)
    };
    text.bytes().enumerate().any(|(at, byte)| {
        byte >= 0xC2
            && leads(byte)
            && text.get(at..).and_then(|rest| rest.chars().next()).is_some_and(|c| plain(c) != Some(c))
    })
}

/// What a character reads as; `None` if it isn't seen at all.
fn plain(c: char) -> Option<char> {
    let digit = |zero: char| char::from_digit(c as u32 - zero as u32, 10).unwrap_or(c);
    Some(match c {
        '\0'..='\u{7F}' => c,
        // Soft hyphen, joiners, marks of direction, invisible operators, variation selectors, tags.
        '\u{AD}'
        | '\u{34F}'
        | '\u{61C}'
        | '\u{180E}'
        | '\u{200B}'..='\u{200F}'
        | '\u{202A}'..='\u{202E}'
        | '\u{2060}'..='\u{206F}'
        | '\u{FE00}'..='\u{FE0F}'
        | '\u{FEFF}'
        | '\u{E0000}'..='\u{E01EF}' => return None,
        '\u{A0}' | '\u{1680}' | '\u{2000}'..='\u{200A}' | '\u{202F}' | '\u{205F}' | '\u{3000}' => ' ',
        '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{2E3A}' | '\u{2E3B}' | '\u{FE58}' | '\u{FE63}' => '-',
        '\u{2024}' | '\u{3002}' | '\u{FE52}' | '\u{FF61}' => '.',
        '\u{FE6B}' => '@',
        '\u{2044}' | '\u{2215}' => '/',
        '\u{FE55}' | '\u{2236}' | '\u{A789}' => ':',
        // Full-width forms of ASCII.
        '\u{FF01}'..='\u{FF5E}' => char::from_u32(c as u32 - 0xFEE0).unwrap_or(c),
        '\u{660}'..='\u{669}' => digit('\u{660}'),
        '\u{6F0}'..='\u{6F9}' => digit('\u{6F0}'),
        '\u{7C0}'..='\u{7C9}' => digit('\u{7C0}'),
        '\u{966}'..='\u{96F}' => digit('\u{966}'),
        '\u{9E6}'..='\u{9EF}' => digit('\u{9E6}'),
        '\u{A66}'..='\u{A6F}' => digit('\u{A66}'),
        '\u{AE6}'..='\u{AEF}' => digit('\u{AE6}'),
        '\u{B66}'..='\u{B6F}' => digit('\u{B66}'),
        '\u{BE6}'..='\u{BEF}' => digit('\u{BE6}'),
        '\u{C66}'..='\u{C6F}' => digit('\u{C66}'),
        '\u{CE6}'..='\u{CEF}' => digit('\u{CE6}'),
        '\u{D66}'..='\u{D6F}' => digit('\u{D66}'),
        '\u{E50}'..='\u{E59}' => digit('\u{E50}'),
        '\u{ED0}'..='\u{ED9}' => digit('\u{ED0}'),
        '\u{1040}'..='\u{1049}' => digit('\u{1040}'),
        '\u{17E0}'..='\u{17E9}' => digit('\u{17E0}'),
        '\u{2080}'..='\u{2089}' => digit('\u{2080}'),
        '\u{2070}' | '\u{2074}'..='\u{2079}' => digit('\u{2070}'),
        '\u{B9}' => '1',
        '\u{B2}' => '2',
        '\u{B3}' => '3',
        // Mathematical digits: five alphabets in a row.
        '\u{1D7CE}'..='\u{1D7FF}' => char::from_digit((c as u32 - 0x1D7CE) % 10, 10).unwrap_or(c),
        other => other,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

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
    fn no_character_that_reads_as_another_is_passed_over() {
        for c in '\u{80}'..=char::MAX {
            assert_eq!(differs(&c.to_string()), plain(c) != Some(c), "{:x}", c as u32);
        }
    }

    #[test]
    fn other_scripts_have_no_shadow() {
        assert!(Shadow::of("plain").is_none());
        assert!(Shadow::of("Grüße an Œuvre, привет, 你好").is_none());
    }
}
