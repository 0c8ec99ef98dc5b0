use serde::Serialize;

use crate::format::figures;
use crate::format::subject::Subject;
use crate::read::Entry;

/// The field set `event`.
#[derive(Debug, Serialize)]
pub(super) struct Event<'a> {
    id: &'a str,
    kind: &'static str,
    category: [&'static str; 1],
    #[serde(rename = "type")]
    of_type: &'static [&'static str],
    action: &'a str,
    outcome: &'static str,
    dataset: &'static str,
    module: &'static str,
    provider: &'a str,
    sequence: u64,
    /// The record's own hash, of the line as written.
    hash: &'a str,
    /// A stable code.
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'a str>,
    /// What the client was not told.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    /// In nanoseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    duration: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    start: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    end: Option<&'a str>,
}

impl<'a> Event<'a> {
    pub(super) fn of(entry: &'a Entry<'_>) -> Self {
        let (category, of_type) = categories(entry);
        let fold = entry.fold.as_ref();
        let is_deed = matches!(&*entry.kind, "admin" | "revocation");
        let code = entry.decision.reason.as_deref();
        Self {
            id: &entry.id,
            kind: "event",
            category: [category],
            of_type,
            action: code.filter(|_| is_deed).unwrap_or(&entry.kind),
            outcome: outcome(entry),
            dataset: "attach.audit",
            module: "attach",
            provider: &entry.chain,
            sequence: entry.seq,
            hash: &entry.hash,
            code: code.or(entry.end.as_deref()),
            reason: entry.decision.detail.as_deref(),
            duration: figures::took(entry, 1e6),
            start: fold.map(|fold| &*fold.first),
            end: fold.map(|fold| &*fold.last),
        }
    }
}

/// `event.category` and `event.type`; each type is one that ECS expects with its category.
fn categories(entry: &Entry<'_>) -> (&'static str, &'static [&'static str]) {
    let refused = entry.decision.result == "deny";
    match (Subject::of(entry), &*entry.kind) {
        (Subject::Stranger, _) => ("authentication", &["start"]),
        (Subject::Session, _) => ("session", &["end"]),
        (Subject::Account(_), _) => ("iam", &["user", "change"]),
        (Subject::Thing(_), _) => ("configuration", &["change"]),
        (Subject::Log, "start") => ("process", &["start"]),
        (Subject::Log, "stop") => ("process", &["end"]),
        (Subject::Log | Subject::Gap, _) => ("process", &["info"]),
        (Subject::Call, "intent") => ("api", &["start", "allowed"]),
        (Subject::Call, "reject") => ("api", &["access", "denied"]),
        (Subject::Call, _) if refused => ("api", &["end", "denied"]),
        (Subject::Call, _) => ("api", &["end"]),
    }
}

/// What an intent announces has neither succeeded nor failed yet.
fn outcome(entry: &Entry<'_>) -> &'static str {
    match (&*entry.decision.result, &*entry.kind) {
        ("deny" | "error", _) => "failure",
        (_, "intent") => "unknown",
        _ => "success",
    }
}
