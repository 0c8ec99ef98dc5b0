//! What is found in a text, as a report lists it.

use attach_redact::{Action, Entity, Fault, Redactor};
use serde::Serialize;

use super::characters::Characters;

/// One thing that was found.
#[derive(Debug, Serialize)]
pub(super) struct Span {
    /// Where it begins, in characters.
    start: usize,
    /// Where it ends.
    end: usize,
    entity: String,
    score: f32,
}

/// What is found in `text`, by its beginnings. What could be two things is listed as both.
pub(super) fn of(redactor: &Redactor, text: &str) -> Result<Vec<Span>, Fault> {
    let found = redactor.candidates(text)?;
    let mut characters = Characters::of(text);
    let mut spans = Vec::with_capacity(found.len());
    for finding in found {
        let range = characters.of_range(&finding.range);
        let span = |entity: &Entity| Span {
            start: range.start,
            end: range.end,
            entity: entity.name().to_owned(),
            score: finding.score,
        };
        spans.push(span(&finding.entity));
        // The password in a URL is a secret, too, and others label it as one.
        let secret =
            finding.entity == Entity::UrlCredentials && redactor.action(&Entity::Secret) != Action::Allow;
        spans.extend(secret.then(|| span(&Entity::Secret)));
    }
    Ok(spans)
}
