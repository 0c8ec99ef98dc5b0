//! Which class of event a record is, and which activity of it.

use serde::Serialize;

use crate::format::subject::{Change, Subject};
use crate::read::Entry;

/// The members that classify an event.
#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct Class {
    category_uid: u32,
    category_name: &'static str,
    pub(super) class_uid: u32,
    class_name: &'static str,
    activity_id: u32,
    activity_name: &'static str,
    /// `class_uid * 100 + activity_id`.
    type_uid: u32,
    severity_id: u32,
}

pub(super) const ACCOUNT_CHANGE: u32 = 3001;
pub(super) const AUTHENTICATION: u32 = 3002;
pub(super) const ENTITY_MANAGEMENT: u32 = 3004;
pub(super) const APPLICATION_LIFECYCLE: u32 = 6002;
pub(super) const API_ACTIVITY: u32 = 6003;
pub(super) const APPLICATION_ERROR: u32 = 6008;

type Activity = (u32, &'static str);

impl Class {
    pub(super) fn of(entry: &Entry<'_>, subject: Subject) -> Self {
        let (class_uid, (activity_id, activity_name)) = match subject {
            Subject::Call => (API_ACTIVITY, call(entry)),
            Subject::Stranger => (AUTHENTICATION, (1, "Logon")),
            Subject::Session => (AUTHENTICATION, (2, "Logoff")),
            Subject::Account(change) => (ACCOUNT_CHANGE, account(change)),
            Subject::Thing(change) => (ENTITY_MANAGEMENT, thing(change)),
            Subject::Log => (APPLICATION_LIFECYCLE, lifecycle(entry)),
            Subject::Gap => (APPLICATION_ERROR, (1, "General Error")),
        };
        let (category_uid, category_name) =
            if class_uid < 6000 { (3, "Identity & Access Management") } else { (6, "Application Activity") };
        Self {
            category_uid,
            category_name,
            class_uid,
            class_name: name(class_uid),
            activity_id,
            activity_name,
            type_uid: class_uid * 100 + activity_id,
            severity_id: severity(entry, subject),
        }
    }
}

fn name(class_uid: u32) -> &'static str {
    match class_uid {
        ACCOUNT_CHANGE => "Account Change",
        AUTHENTICATION => "Authentication",
        ENTITY_MANAGEMENT => "Entity Management",
        APPLICATION_LIFECYCLE => "Application Lifecycle",
        APPLICATION_ERROR => "Application Error",
        _ => "API Activity",
    }
}

/// By the method: what asks a model creates an answer. An orphan has none, nor has a folded refusal.
fn call(entry: &Entry<'_>) -> Activity {
    match entry.route.method.as_deref() {
        None => (0, "Unknown"),
        Some("GET" | "HEAD" | "OPTIONS") => (2, "Read"),
        Some("PUT" | "PATCH") => (3, "Update"),
        Some("DELETE") => (4, "Delete"),
        Some(_) => (1, "Create"),
    }
}

fn account(change: Change) -> Activity {
    match change {
        Change::Create => (1, "Create"),
        Change::Enable => (2, "Enable"),
        Change::Rotate => (3, "Password Change"),
        Change::Disable => (5, "Disable"),
        Change::Delete => (6, "Delete"),
        Change::Update => (99, "Update"),
    }
}

fn thing(change: Change) -> Activity {
    match change {
        Change::Create => (1, "Create"),
        Change::Rotate | Change::Update => (3, "Update"),
        Change::Delete => (4, "Delete"),
        Change::Enable => (8, "Enable"),
        Change::Disable => (9, "Disable"),
    }
}

fn lifecycle(entry: &Entry<'_>) -> Activity {
    match &*entry.kind {
        "start" => (3, "Start"),
        "stop" => (4, "Stop"),
        "checkpoint" => (99, "Checkpoint"),
        _ => (99, "Segment"),
    }
}

/// 1 is informational, 2 low, 3 medium, 4 high.
fn severity(entry: &Entry<'_>, subject: Subject) -> u32 {
    match (subject, &*entry.decision.result) {
        (Subject::Gap, _) => 4,
        (_, "error") => 3,
        (_, "deny") => 2,
        _ => 1,
    }
}
