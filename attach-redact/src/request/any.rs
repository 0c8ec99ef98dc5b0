//! Any JSON: a document of which nothing is known but its strings, keys and numbers.

use attach_core::call::Modality;
use attach_core::exchange::Coverage;
use attach_core::json::{Document, Kind, Value};
use attach_core::{Outcome as End, Rejection};
use http::StatusCode;

use super::{Plan, Prepared, switch};
use crate::{Redactor, Uninspectable};

impl Prepared {
    /// The texts of any JSON, unless it has a file that must not leave unseen.
    pub(crate) fn of_any(redactor: &Redactor, document: Document) -> Result<Self, Rejection> {
        let coverage = check_files(redactor, &document)?;
        Ok(Self { coverage, ..Self::of_document(document) })
    }

    /// Every string of `document`, JSON within strings included, every key, and numbers of seven digits or more.
    pub(crate) fn of_document(document: Document) -> Self {
        Self { plan: Plan::of_any(&document), document, coverage: Coverage::Full }
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
fn check_files(redactor: &Redactor, document: &Document) -> Result<Coverage, Rejection> {
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
