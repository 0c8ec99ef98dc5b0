//! Asterisks for what must not be shown.

use attach_core::json::{Edit, NodeId};

use super::spans::Spans;

/// What a text is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Text,
    /// The arguments of a tool, which have to stay JSON: digits may be a number, and escapes stay.
    Json,
    /// A number of JSON, which has to stay one.
    Number,
    /// The tokens of a text that stands elsewhere. They are masked as a whole, or not.
    Tokens,
}

impl Form {
    /// Puts `text`, which is of this form, at `node`, or makes it its key. Tokens go with all others of the document.
    pub(super) fn edit(self, node: NodeId, is_key: bool, text: String) -> Option<Edit> {
        match self {
            _ if is_key => Some(Edit::key(node, text)),
            Self::Number => Some(Edit::raw(node, text)),
            Self::Text | Self::Json => Some(Edit::string(node, text)),
            Self::Tokens => None,
        }
    }
}

/// Where in an escape of JSON a text has come to. A text that comes in pieces may be cut within one.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Escape {
    /// So many characters belong to it still.
    left: usize,
    /// It is a character's code, and becomes that of an asterisk.
    hidden: bool,
}

/// What a character of JSON is to an escape.
enum Part {
    None,
    Escape,
    /// This one instead.
    Digit(char),
}

/// The digits of its code.
const ASTERISK: [char; 4] = ['0', '0', '2', 'a'];

impl Escape {
    /// Goes over a text that stays as it is.
    pub(super) fn pass(&mut self, text: &str) {
        for character in text.chars() {
            self.next(character, false);
        }
    }

    fn next(&mut self, character: char, hidden: bool) -> Part {
        let digit = self.hidden.then(|| ASTERISK.get(4_usize.wrapping_sub(self.left))).flatten();
        let part = match (self.left, digit) {
            (0, _) => Part::None,
            (_, Some(digit)) => Part::Digit(*digit),
            (_, None) => Part::Escape,
        };
        if (self.left, character) == (1, 'u') {
            self.hidden = hidden;
        } else if self.left <= 1 {
            self.hidden = false;
        }
        self.left = match (self.left, character) {
            (0, '\\') => 1,
            (1, 'u') => 4,
            (left, _) => left.saturating_sub(1),
        };
        part
    }
}

/// `text` with what is in `spans` masked. Every character stays one character.
pub(super) fn masked(text: &str, spans: &Spans, form: Form, escape: &mut Escape) -> String {
    let mut out = String::with_capacity(text.len());
    let mut spans = spans.iter().peekable();
    for (at, character) in text.char_indices() {
        while spans.next_if(|span| span.end <= at).is_some() {}
        let hide = spans.peek().is_some_and(|span| span.start <= at);
        let part = if form == Form::Json { escape.next(character, hide) } else { Part::None };
        out.push(match (part, form) {
            (Part::Digit(digit), _) => digit,
            (Part::None, Form::Json | Form::Number) if hide && character.is_numeric() => '1',
            (Part::None, Form::Json | Form::Text) if hide && character.is_alphanumeric() => '*',
            (Part::Escape | Part::None, _) => character,
        });
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(text: &str, ranges: &[(usize, usize)], form: Form) -> String {
        masked(text, &ranges.iter().map(|(from, to)| *from..*to).collect(), form, &mut Escape::default())
    }

    #[test]
    fn letters_and_digits_are_masked_in_their_ranges_only() {
        assert_eq!(all("call Zoë at 55-1", &[(5, 9), (13, 17)], Form::Text), "call *** at **-*");
    }

    #[test]
    fn a_number_stays_one() {
        assert_eq!(all("-4111.5e3", &[(0, 9)], Form::Number), "-1111.1e1");
    }

    #[test]
    fn arguments_stay_json() {
        let text = r#"{"to":"Zo\u00eb\nX","card":4111}"#;
        let masked = all(text, &[(7, text.len()), (0, 0)], Form::Json);
        let whole: serde_json::Value = serde_json::from_str(&masked).unwrap();
        assert_eq!(whole["****"], 1111, "{masked}");
        assert!(!masked.contains("411") && !masked.contains("Zo"), "{masked}");
        assert!(masked.contains(r"**\u002a\n*"), "{masked}");
        let text = r#"{"\u0062ob":"\ud83d\ude00"}"#;
        let masked = all(text, &[(2, 11), (3, 5), (14, 26)], Form::Json);
        assert_eq!(masked, r#"{"\u002a**":"\u002a\u002a"}"#);
    }

    #[test]
    fn an_escape_that_is_cut_stays_one() {
        let text = r#"{"to":"Zo\u00eb\nX\\u0041"}"#;
        let spans: Spans = std::iter::once(7..text.len()).collect();
        let expected = masked(text, &spans, Form::Json, &mut Escape::default());
        for cut in 0..text.len() {
            let (first, second) = text.split_at(cut);
            let mut escape = Escape::default();
            let mut got = masked(first, &spans.within(0..cut).collect(), Form::Json, &mut escape);
            got += &masked(second, &spans.within(cut..text.len()).collect(), Form::Json, &mut escape);
            assert_eq!(got, expected, "{cut}");
            // What has gone on unmasked is gone; what comes after it is JSON with it.
            let mut escape = Escape::default();
            escape.pass(first);
            let rest = masked(second, &spans.within(cut..text.len()).collect(), Form::Json, &mut escape);
            let whole = format!("{first}{rest}");
            assert!(serde_json::from_str::<serde_json::Value>(&whole).is_ok(), "{whole}");
        }
    }
}
