//! Who did it, and to whom.

use std::borrow::Cow;

use serde::Serialize;

use super::event::custom;
use super::objects::Named;
use crate::read::{self, Entry};

/// The object `actor`: at least one of its members is there.
#[derive(Debug, Serialize)]
pub(super) struct Actor<'a> {
    user: User<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    session: Option<Session<'a>>,
    /// The OAuth client.
    #[serde(skip_serializing_if = "Option::is_none")]
    app_uid: Option<&'a str>,
}

/// The object `user`: `uid` or `name` is there.
#[derive(Debug, Default, Serialize)]
pub(super) struct User<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    uid: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    uid_alt: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    type_id: u32,
    #[serde(rename = "type")]
    type_name: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    domain: Option<&'a str>,
    /// The token's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    credential_uid: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    groups: Vec<Named<'a>>,
}

/// The object `session`.
#[derive(Debug, Serialize)]
struct Session<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    uid: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    issuer: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    created_time: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expiration_time: Option<u64>,
    is_mfa: bool,
}

impl<'a> Actor<'a> {
    pub(super) fn of(entry: &'a Entry<'_>) -> Self {
        let actor = &entry.actor;
        Self { user: User::caller(entry), session: Session::of(actor), app_uid: actor.client_id.as_deref() }
    }
}

impl<'a> User<'a> {
    /// Whoever called; by name `anonymous` if nobody knows.
    pub(super) fn caller(entry: &'a Entry<'_>) -> Self {
        let actor = &entry.actor;
        let uid = actor.uid.as_deref().or(actor.sub.as_deref());
        let (type_id, type_name) = match &*actor.kind {
            "user" => (1, "User"),
            "admin" => (2, "Admin"),
            "system" => (3, "System"),
            "service" => (4, "Service"),
            _ => (0, "Unknown"),
        };
        Self {
            uid,
            uid_alt: actor.sub.as_deref().filter(|sub| Some(*sub) != uid),
            name: uid.is_none().then_some(if type_id == 3 { super::objects::NAME } else { "anonymous" }),
            type_id,
            type_name,
            domain: actor.directory.as_deref(),
            credential_uid: actor.jti.as_deref(),
            groups: actor.groups_used.iter().map(|name: &Cow<'_, str>| Named { name }).collect(),
        }
    }

    /// Whose account or session it is about.
    pub(super) fn target(entry: &'a Entry<'_>) -> Self {
        let uid = custom(entry, "target");
        Self {
            uid,
            name: uid.is_none().then_some("unknown"),
            type_name: "Unknown",
            domain: entry.actor.directory.as_deref(),
            ..Self::default()
        }
    }
}

impl<'a> Session<'a> {
    fn of(actor: &'a read::Actor<'_>) -> Option<Self> {
        let seconds = |time: Option<u64>| time.map(|time| time.saturating_mul(1000));
        actor.iss.as_ref().or(actor.sid.as_ref()).map(|_| Self {
            uid: actor.sid.as_deref(),
            issuer: actor.iss.as_deref(),
            created_time: seconds(actor.auth_time),
            expiration_time: seconds(actor.token_exp),
            is_mfa: actor.amr.iter().any(|method| method == "mfa"),
        })
    }
}
