//! Any JSON: a document of which nothing is known but its strings, keys and numbers.

use attach_core::call::Modality;
use attach_core::exchange::{Coverage, Redaction};
use attach_core::json::{Document, Kind, Value};
use attach_core::{Outcome as End, Rejection};
use http::StatusCode;

use super::{Arguments, Origin, Plan, Whose, blocked_in, edits, switch};
use crate::session::{Outcome, Session, Text};
use crate::{Entity, Fault, Redactor, Uninspectable};

/// A document that was looked at.
pub(crate) struct Looked<'d> {
    document: &'d Document,
    arguments: Vec<Arguments>,
    texts: Vec<Text>,
    places: Vec<Origin>,
    facts: Redaction,
    outcome: Outcome,
}

impl<'d> Looked<'d> {
    /// Looks at every string of `document` for the caller `whose`, JSON within strings included, at every key, and at
    /// numbers of seven digits or more.
    pub(crate) fn at(
        redactor: &Redactor,
        whose: &Whose,
        document: &'d Document,
        coverage: Coverage,
    ) -> Result<Self, Fault> {
        let Plan { arguments, texts, places } = Plan::of_any(document);
        let mut session = Session::new(redactor, &whose.scope, whose.budget.start());
        let texts = session.redact_unless_blocked(texts)?;
        let facts = session.facts(coverage);
        Ok(Self { document, arguments, texts, places, facts, outcome: session.into_outcome() })
    }

    pub(crate) fn facts(&self) -> &Redaction {
        &self.facts
    }

    /// What is in it that is to be blocked.
    pub(crate) fn blocked(&self) -> Vec<Entity> {
        let mut blocked: Vec<_> = self.texts.iter().flat_map(|text| text.blocked().iter().cloned()).collect();
        blocked.sort_unstable();
        blocked.dedup();
        blocked
    }

    /// 422 `content_blocked` if something in it is to be blocked.
    pub(crate) fn check(&self) -> Result<(), Rejection> {
        blocked_in(self.document, &self.arguments, &self.texts, &self.places)
    }

    /// The document without what was found in it, `None` if nothing was, and what it takes to restore.
    pub(crate) fn spliced(self) -> Result<(Option<Document>, Outcome), Fault> {
        let edits = edits(&self.arguments, self.texts, &self.places)?;
        if edits.is_empty() {
            return Ok((None, self.outcome));
        }
        let spliced = self.document.splice(&edits).map_err(|error| Fault::new(error.to_string()))?;
        Ok((Some(spliced), self.outcome))
    }
}

impl Plan {
    fn of_any(document: &Document) -> Self {
        let mut plan = Self::default();
        let root = document.root();
        for value in std::iter::once(root).chain(root.descendants()) {
            if value.raw_key().is_some() {
                plan.key(value, None);
            }
            match value.kind() {
                Kind::String if may_be_json(value) => plan.arguments(value),
                Kind::String => plan.string(value, None),
                Kind::Number if value.raw().iter().filter(|byte| byte.is_ascii_digit()).count() >= 7 => {
                    plan.number(value, None);
                }
                _ => {}
            }
        }
        plan
    }
}

/// Whether a string begins as an object or a list does. A string of digits is JSON, too, but belongs to its key.
fn may_be_json(value: Value<'_>) -> bool {
    value.as_str().is_some_and(|text| {
        text.trim_start_matches(['\u{FEFF}', ' ', '\t', '\n', '\r']).starts_with(['{', '['])
    })
}

/// 422 `uninspectable_content` for a file within the document, unless it is permitted: a `data:` URL (RFC 2397) in
/// base64 is the form in which one is known to be one.
pub(crate) fn check_files(redactor: &Redactor, document: &Document) -> Result<Coverage, Rejection> {
    let root = document.root();
    let mut coverage = Coverage::Full;
    for value in std::iter::once(root).chain(root.descendants()).filter(|value| value.kind() == Kind::String)
    {
        let Some(modality) = value.as_str().and_then(|text| modality(&text)) else { continue };
        if redactor.uninspectable(modality) == Uninspectable::Block {
            let (path, name, switch) = (value.path(), modality.as_str(), switch(modality));
            let message = format!(
                "{name} content at {path} cannot be inspected and must not leave; the operator can permit it \
                 (uninspectable {switch})"
            );
            let rejection =
                Rejection::new(StatusCode::UNPROCESSABLE_ENTITY, "uninspectable_content", message);
            return Err(rejection.with_param(path).with_outcome(End::Blocked));
        }
        coverage = Coverage::Partial;
    }
    Ok(coverage)
}

/// What a `data:` URL in base64 holds.
fn modality(text: &str) -> Option<Modality> {
    let head = text.get(..5).filter(|scheme| scheme.eq_ignore_ascii_case("data:"))?;
    let media = text.get(head.len()..)?.split(',').next()?.to_ascii_lowercase();
    if !media.ends_with(";base64") {
        return None;
    }
    Some(match media.split('/').next() {
        Some("image") => Modality::Image,
        Some("audio") => Modality::Audio,
        Some("video") => Modality::Video,
        _ => Modality::File,
    })
}
