//! The engine alone, without a layer: a text or a JSON document of any shape.

use std::fmt;

use attach_core::json::Document;
use bytes::Bytes;

use crate::request::{Prepared, Whose};
use crate::restore::restore_json;
use crate::session::{Outcome, Session};
use crate::{Entity, Fault, RedactError, Redacted, Redactor, Scope};

/// A JSON document without what was found in it, and the way back. Made by [`Redactor::json`].
///
/// `Debug` shows counts only. What was replaced is wiped when this is dropped.
pub struct RedactedJson<'b> {
    original: &'b [u8],
    redacted: Option<Document>,
    outcome: Outcome,
}

impl Redactor {
    /// What stands for `value` of the caller `scope` where it is found as `entity`: a placeholder, asterisks, a digest.
    /// `None` if it is not replaced.
    #[must_use]
    pub fn substitute(&self, scope: &Scope, entity: &Entity, value: &str) -> Option<String> {
        let mut session = Session::new(self, scope, self.budget().start());
        session.replacement(self.action(entity), entity, value).ok().flatten()
    }

    /// Redacts one text for nobody in particular; [`redact_text`](Self::redact_text) does for a caller.
    ///
    /// # Errors
    ///
    /// When an entity that is to be blocked is in it, or a recognizer failed.
    pub fn redact<'t>(&self, text: &'t str) -> Result<Redacted<'t>, RedactError> {
        self.redact_text(&Scope::anonymous(), text)
    }

    /// Redacts a JSON document of any shape for nobody in particular; [`redact_json`](Self::redact_json) does for a
    /// caller.
    ///
    /// ```
    /// use attach_redact::Redactor;
    ///
    /// let redactor = Redactor::with_defaults()?;
    /// let order = br#"{"to": "bob@example.org", "tool": "{\"card\":\"4111 1111 1111 1111\"}", "n": 3}"#;
    /// let redacted = redactor.json(order).expect("is JSON, and nothing in it is blocked");
    /// let leaves = std::str::from_utf8(redacted.bytes()).expect("JSON is UTF-8");
    /// assert!(leaves.starts_with(r#"{"to": "PII_EMAIL_"#) && !leaves.contains("4111"));
    /// assert_eq!(redacted.restore(redacted.bytes()), order);
    /// # Ok::<(), attach_redact::ConfigError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`redact_json`](Self::redact_json).
    pub fn json<'b>(&self, bytes: &'b [u8]) -> Result<RedactedJson<'b>, RedactError> {
        self.redact_json(&Scope::anonymous(), bytes)
    }

    /// Redacts a JSON document of any shape for the caller `scope`.
    ///
    /// Every string is looked at, a short one together with its key; a string that itself is a JSON object or list is
    /// taken apart, as the arguments of tool calls are; so is every key, and every number of seven digits or more,
    /// which becomes a string if it is replaced. Bytes that need no change stay as they are. A file in base64 is a string
    /// like others here, and nothing in it is found; the [layer](crate::RedactLayer) refuses it.
    ///
    /// # Errors
    ///
    /// When the bytes are not strict JSON (RFC 8259, with no name twice in an object), when an entity that is to be
    /// blocked is in it, when a recognizer failed, or when there are [inspectors](crate::Builder::inspector) to wait for.
    pub fn redact_json<'b>(&self, scope: &Scope, bytes: &'b [u8]) -> Result<RedactedJson<'b>, RedactError> {
        if !self.inspectors().is_empty() {
            return Err(RedactError::Fault(Fault::new("there are inspectors to wait for: use the layer")));
        }
        // The messages hold paths, never values.
        let document = Document::parse(Bytes::copy_from_slice(bytes))
            .map_err(|error| RedactError::NotJson(error.to_string().into()))?;
        let prepared = Prepared::of_document(document.clone());
        let looked = prepared.look(self, &Whose::own(self, scope)).map_err(RedactError::Fault)?;
        let blocked = looked.blocked();
        if !blocked.is_empty() {
            return Err(RedactError::Blocked(blocked));
        }
        let (edits, outcome) = looked.edits().map_err(RedactError::Fault)?;
        let spliced = || document.splice(&edits).map_err(|error| Fault::new(error.to_string()));
        let redacted = (!edits.is_empty()).then(spliced).transpose().map_err(RedactError::Fault)?;
        Ok(RedactedJson { original: bytes, redacted, outcome })
    }
}

impl RedactedJson<'_> {
    /// The document to hand on; the very bytes that were given if nothing was found.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        self.redacted.as_ref().map_or(self.original, |document| document.bytes())
    }

    /// How many of each entity were found.
    #[must_use]
    pub fn counts(&self) -> &[(Entity, u32)] {
        &self.outcome.counts
    }

    /// `answer`, a JSON document, with the placeholders in its strings and keys replaced by what they stand for,
    /// except in URLs that the document did not have. Values are escaped as their place demands.
    #[must_use]
    pub fn restore(&self, answer: &[u8]) -> Vec<u8> {
        let (restored, _) = restore_json(Bytes::copy_from_slice(answer), &self.outcome.vault);
        restored.into()
    }
}

impl fmt::Debug for RedactedJson<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedactedJson").field("counts", &self.outcome.counts).finish_non_exhaustive()
    }
}
