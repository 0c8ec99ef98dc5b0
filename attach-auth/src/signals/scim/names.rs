//! What a provisioned user is called, and what it means that they are active or not.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::Value;

use super::attribute::{Object, get, text, truth};
use crate::revocation::{Effect, Fact, Subject};
use crate::signals::SignalKind;
use crate::signals::desk::Signals;
use crate::signals::subject::people;

/// Everything a token or a signal might call a user.
#[derive(Debug, Clone)]
pub(super) struct Names {
    pub(super) id: Arc<str>,
    pub(super) user_name: Arc<str>,
    pub(super) external_id: Option<Arc<str>>,
    pub(super) emails: Vec<Arc<str>>,
    pub(super) active: bool,
}

impl Names {
    /// The names of the user `id`.
    pub(super) fn of(id: &str, user: &Object) -> Self {
        let emails = get(user, "emails").and_then(Value::as_array).into_iter().flatten();
        let emails = emails.filter_map(|email| text(email.as_object()?, "value")).map(Into::into);
        Self {
            id: id.into(),
            user_name: text(user, "userName").unwrap_or_default().into(),
            external_id: text(user, "externalId").map(Into::into),
            emails: emails.collect(),
            // What cannot be read does not let anybody in.
            active: get(user, "active").and_then(truth) == Some(true),
        }
    }

    /// The names as facts have them.
    pub(super) fn subjects(&self) -> BTreeSet<Subject> {
        let mut subjects = self.owned();
        subjects.extend(self.emails.iter().map(|email| Subject::name(email)));
        subjects
    }

    /// The names that are this user's alone. An address may be listed for several.
    fn owned(&self) -> BTreeSet<Subject> {
        let mut subjects =
            BTreeSet::from([Subject::User(Arc::clone(&self.id)), Subject::name(&self.user_name)]);
        subjects.extend(self.external_id.iter().flat_map(|id| people(id)));
        subjects
    }
}

/// What becomes of callers when a user that was `before` is `after`; not there before means created, not there after
/// deleted.
pub(super) fn facts(
    signals: &Signals,
    directory: &Arc<str>,
    before: Option<&Names>,
    after: Option<&Names>,
) -> Vec<Fact> {
    let not_before = Effect::NotBefore(signals.now());
    let change = UserChange { signals, directory, before, after };
    let Subjects { disabled, enabled, ended } = match after {
        None => change.deleted(),
        Some(names) if names.active => change.active(),
        Some(_) => change.inactive(),
    };
    let effects = [(disabled, Effect::Disabled), (enabled, Effect::Enabled), (ended, not_before)];
    let facts = |(subjects, effect)| signals.facts(SignalKind::Scim, directory, subjects, effect);
    effects.into_iter().flat_map(facts).collect()
}

/// Who is held to what.
#[derive(Default)]
struct Subjects {
    disabled: Vec<Subject>,
    enabled: Vec<Subject>,
    ended: Vec<Subject>,
}

struct UserChange<'a> {
    signals: &'a Signals,
    directory: &'a Arc<str>,
    before: Option<&'a Names>,
    after: Option<&'a Names>,
}

impl UserChange<'_> {
    /// All names are disabled. Somebody else who shares one goes on under it, but not with what was issued so far.
    fn deleted(&self) -> Subjects {
        let shared = |subject: &Subject| self.others(subject, true) && self.is_free(subject);
        let (shared, disabled): (Vec<_>, Vec<_>) = self.were().into_iter().partition(shared);
        Subjects { disabled, enabled: shared.clone(), ended: shared }
    }

    /// All names are disabled. One that is given up is free for others, but not what was issued to it so far.
    fn inactive(&self) -> Subjects {
        let (were, are) = (self.were(), self.are());
        let mut ended: Vec<Subject> = were.difference(&are).cloned().collect();
        let lifted: Vec<Subject> =
            ended.iter().filter(|subject| self.returns() && self.is_free(subject)).cloned().collect();
        // Somebody active who shares an address goes on under it, but not with what was issued so far.
        let owned = self.after.map(Names::owned).unwrap_or_default();
        let shared = |subject: &Subject| {
            !owned.contains(subject) && self.others(subject, true) && self.is_free(subject)
        };
        let (shared, disabled): (Vec<_>, Vec<_>) = are.into_iter().partition(shared);
        ended.extend(shared);
        Subjects { disabled, enabled: lifted, ended }
    }

    /// What was disabled is enabled. A name that a deleted user had is taken over without what was issued to them.
    fn active(&self) -> Subjects {
        let (were, are) = (self.were(), self.are());
        let owned = self.after.map(Names::owned).unwrap_or_default();
        let taken_over = are
            .difference(&were)
            .filter(|subject| owned.contains(subject) && self.stands(subject) && self.is_free(subject));
        let mut subjects = Subjects { ended: taken_over.cloned().collect(), ..Subjects::default() };
        subjects.enabled.clone_from(&subjects.ended);
        if self.returns() {
            subjects.enabled.extend(were.iter().filter(|subject| self.is_free(subject)).cloned());
            subjects.ended.extend(were.difference(&are).cloned());
        }
        subjects
    }

    fn were(&self) -> BTreeSet<Subject> {
        self.before.map(Names::subjects).unwrap_or_default()
    }

    fn are(&self) -> BTreeSet<Subject> {
        self.after.map(Names::subjects).unwrap_or_default()
    }

    /// Whether the user was there before, and not active.
    fn returns(&self) -> bool {
        self.before.is_some_and(|names| !names.active)
    }

    /// Whether nobody else who is not active is called so.
    fn is_free(&self, subject: &Subject) -> bool {
        !self.others(subject, false)
    }

    fn others(&self, subject: &Subject, active: bool) -> bool {
        let id = self.after.or(self.before).map(|names| &*names.id).unwrap_or_default();
        self.signals.provisioned().others(self.directory, subject, id, active)
    }

    /// Whether `subject` is disabled by SCIM: by a user who is not there any more, if nobody else has the name.
    fn stands(&self, subject: &Subject) -> bool {
        let lift = vec![subject.clone()];
        let lift = self.signals.facts(SignalKind::Scim, self.directory, lift, Effect::Enabled);
        !self.signals.revocations().changes(&lift).is_empty()
    }
}
