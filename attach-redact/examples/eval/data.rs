//! Labelled lines.

use serde_json::Value;

use super::Error;

/// What a file is about.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Form {
    /// One entity per text: the test cases of Presidio's recognizers.
    #[default]
    Case,
    /// Many entities per text: sentences.
    Sentence,
    /// The examples of gitleaks' rules.
    Secret,
}

/// A labelled text.
pub(crate) struct Line {
    pub(crate) form: Form,
    pub(crate) text: String,
    /// The entity it is about; none if it is about all.
    pub(crate) entity: Option<String>,
    /// The rule that an example of a secret is of.
    pub(crate) rule: Option<String>,
    pub(crate) expected: Vec<Span>,
    /// What other rules say of an example that is none of its own: finding that is right.
    pub(crate) others: Vec<Span>,
}

/// Where an entity is, in characters.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Span {
    pub(crate) start: usize,
    pub(crate) end: usize,
    pub(crate) entity: String,
    /// How sure whoever labelled or found it was.
    pub(crate) score: f32,
}

impl Span {
    pub(crate) fn overlaps(&self, other: &Self) -> bool {
        self.start < other.end && other.start < self.end
    }

    pub(crate) fn is_at(&self, other: &Self) -> bool {
        (self.start, self.end) == (other.start, other.end)
    }

    pub(crate) fn of<'t>(&self, text: &'t str) -> impl Iterator<Item = char> + use<'t> {
        text.chars().skip(self.start).take(self.end.saturating_sub(self.start))
    }
}

impl Line {
    pub(crate) fn parse(line: &str) -> Result<Self, Error> {
        let line: Value = serde_json::from_str(line)?;
        let rule = line["rule"].as_str().map(str::to_owned);
        let text = match line["text"].as_str() {
            Some(text) => text.to_owned(),
            None => {
                let bytes = base64(line["text_b64"].as_str().ok_or("a line without text")?);
                String::from_utf8_lossy(&bytes).into_owned()
            }
        };
        if let Some(spans) = line["spans"].as_array() {
            let expected = spans.iter().map(|one| span(one, one[2].as_str().unwrap_or_default(), 1.0));
            let expected = expected.collect();
            return Ok(Self { form: Form::Sentence, text, entity: None, rule, expected, others: Vec::new() });
        }
        // Presidio's older name of it.
        let entity = line["entity"].as_str().map(|name| if name == "FIN" { "SG_NRIC_FIN" } else { name });
        let entity = entity.unwrap_or_default();
        let none = Vec::new();
        let score = |at: usize| line["scores"][at].as_f64().unwrap_or(1.0) as f32;
        let expected = line["expected"].as_array().unwrap_or(&none);
        let expected = expected.iter().enumerate().map(|(at, one)| span(one, entity, score(at))).collect();
        let others = line["other_rules"].as_array().into_iter().flatten();
        let others =
            others.map(|one| Span { start: at(&one[1]), end: at(&one[2]), ..span(one, entity, 1.0) });
        let others = others.collect();
        let form = if rule.is_some() { Form::Secret } else { Form::Case };
        Ok(Self { form, text, entity: Some(entity.to_owned()), rule, expected, others })
    }
}

fn span(from: &Value, entity: &str, score: f32) -> Span {
    Span { start: at(&from[0]), end: at(&from[1]), entity: entity.to_owned(), score }
}

fn at(value: &Value) -> usize {
    value.as_u64().unwrap_or(0) as usize
}

fn base64(text: &str) -> Vec<u8> {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let (mut bits, mut have, mut out) = (0_u32, 0, Vec::new());
    for value in text.bytes().filter_map(|byte| ALPHABET.iter().position(|known| *known == byte)) {
        bits = bits << 6 | value as u32;
        have += 6;
        if have >= 8 {
            have -= 8;
            out.push((bits >> have) as u8);
        }
    }
    out
}
