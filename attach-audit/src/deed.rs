use std::fmt;

use crate::record::{Members, Pairs, Text};
use crate::sink::Ack;
use crate::{Audit, Kind, Record};

/// Something that somebody does to who may do what: a caller disabled, a key minted, a rule changed.
///
/// Recorded before it is done:
///
/// ```
/// use attach_audit::{Audit, Deed, Memory};
///
/// # async fn example() -> Result<(), attach_audit::Unrecorded> {
/// let audit = Audit::new(Memory::new());
/// audit.record(&Deed::revocation("user.disable", "okta-scim").directory("acme").target("00u1")).await?;
/// // … and only now disable the user.
/// # Ok(())
/// # }
/// ```
///
/// Names people by ids of their directory, and holds no credential.
#[derive(Debug, Clone)]
#[must_use]
pub struct Deed {
    kind: Kind,
    action: Box<str>,
    actor: Box<str>,
    directory: Option<Box<str>>,
    custom: Vec<(&'static str, Box<str>)>,
}

impl Deed {
    /// `actor`, an administrator or somebody about what is their own, does `action`.
    pub fn admin(action: impl Into<Box<str>>, actor: impl Into<Box<str>>) -> Self {
        Self::new(Kind::Admin, action.into(), actor.into())
    }

    /// `actor`, an administrator or a directory's signal, does `action` to somebody's right to go on.
    pub fn revocation(action: impl Into<Box<str>>, actor: impl Into<Box<str>>) -> Self {
        Self::new(Kind::Revocation, action.into(), actor.into())
    }

    fn new(kind: Kind, action: Box<str>, actor: Box<str>) -> Self {
        Self { kind, action, actor, directory: None, custom: Vec::new() }
    }

    /// In this directory.
    pub fn directory(mut self, directory: impl Into<Box<str>>) -> Self {
        self.directory = Some(directory.into());
        self
    }

    /// To whom or what.
    pub fn target(self, target: impl Into<Box<str>>) -> Self {
        self.detail("target", target)
    }

    /// What else an auditor wants to know.
    pub fn detail(mut self, name: &'static str, value: impl Into<Box<str>>) -> Self {
        self.custom.push((name, value.into()));
        self
    }

    fn fill<'a>(&'a self, members: &mut Members<'a>, audit: &Audit) {
        members.actor.kind = "admin";
        members.actor.directory = self.directory.as_deref().map(Text);
        members.actor.uid = Some(Text(&self.actor));
        members.decision.reason = Some(&self.action);
        members.custom = (!self.custom.is_empty()).then(|| Pairs(&self.custom));
        members.mode = Some(audit.when());
    }
}

impl Audit {
    /// Writes down what is about to be done. Waits until the record is durable, in every mode.
    ///
    /// # Errors
    ///
    /// When there is no record: it must not be done then.
    pub async fn record(&self, deed: &Deed) -> Result<(), Unrecorded> {
        let shared = self.shared();
        let slot = shared.slot().filter(|_| shared.sink.is_ready()).ok_or(Unrecorded)?;
        let (ack, receipt) = Ack::awaited(Some(slot));
        let record = Record::system(deed.kind, |members| deed.fill(members, self)).under(self.config());
        shared.sink.append(&record, ack);
        receipt.await.map_err(|error| {
            tracing::error!(error = %error.0, action = %deed.action, "not recorded, so not done");
            Unrecorded
        })
    }
}

/// There is no record of what was about to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Unrecorded;

impl fmt::Display for Unrecorded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the audit log does not take records at the moment")
    }
}

impl std::error::Error for Unrecorded {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Memory, Sink};

    #[tokio::test]
    async fn a_deed_is_on_record_before_it_is_done() {
        let records = Memory::new();
        let audit = Audit::new(records.clone());
        let deed = Deed::revocation("user.disable", "okta-scim").directory("acme").target("00u1");
        audit.record(&deed.detail("source", "scim")).await.expect("recorded");
        let line = records.lines().pop().expect("a line");
        for part in [
            r#""kind":"revocation""#,
            r#""actor":{"kind":"admin","directory":"acme","uid":"okta-scim"}"#,
            r#""reason":"user.disable""#,
            r#""custom":{"target":"00u1","source":"scim"}"#,
        ] {
            assert!(line.contains(part), "{part}: {line}");
        }
    }

    #[tokio::test]
    async fn without_a_record_it_must_not_be_done() {
        struct Full;
        impl Sink for Full {
            fn append(&self, _: &Record<'_>, ack: Ack) {
                ack.failed("disk full");
            }
        }
        let deed = Deed::admin("key.create", "alice");
        assert_eq!(Audit::new(Full).record(&deed).await, Err(Unrecorded));
        assert_eq!(Audit::new(Memory::new()).slots(0).record(&deed).await, Err(Unrecorded));
    }
}
