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
        let mut subjects =
            BTreeSet::from([Subject::User(Arc::clone(&self.id)), Subject::name(&self.user_name)]);
        subjects.extend(self.external_id.iter().flat_map(|id| people(id)));
        subjects.extend(self.emails.iter().map(|email| Subject::name(email)));
        subjects
    }
}

/// What becomes of callers when a user that was `before` is `after`; neither there before nor after means deleted.
///
/// A name that is given up by somebody disabled is free for others, but not what was issued to it so far.
pub(super) fn facts(
    signals: &Signals,
    directory: &Arc<str>,
    before: Option<&Names>,
    after: Option<&Names>,
) -> Vec<Fact> {
    let were = before.map(Names::subjects).unwrap_or_default();
    let are = after.map(Names::subjects).unwrap_or_default();
    let was_active = before.is_some_and(|names| names.active);
    let id = after.or(before).map(|names| Arc::clone(&names.id)).unwrap_or_default();
    let free = |subject: &Subject| !signals.provisioned().is_inactive(directory, subject, &id);
    let not_before = Effect::NotBefore(signals.now());
    let (mut disabled, mut enabled, mut ended) = (Vec::new(), Vec::new(), Vec::new());
    match after {
        None => disabled.extend(were),
        Some(names) if !names.active => {
            let given_up: Vec<Subject> = were.difference(&are).cloned().collect();
            enabled.extend(given_up.iter().filter(|subject| !was_active && free(subject)).cloned());
            ended.extend(given_up);
            disabled.extend(are);
        }
        Some(_) => {
            let back = |subject: &&Subject| before.is_some() && !was_active && were.contains(subject);
            let taken_over = are.iter().filter(|subject| !back(subject) && !were.contains(subject));
            let taken_over: Vec<Subject> = taken_over
                .filter(|subject| stands(signals, directory, subject) && free(subject))
                .cloned()
                .collect();
            if before.is_some() && !was_active {
                enabled.extend(were.union(&are).filter(|subject| free(subject)).cloned());
                ended.extend(were.difference(&are).cloned());
            }
            enabled.extend(taken_over.iter().cloned());
            ended.extend(taken_over);
        }
    }
    let facts = |subjects, effect| signals.facts(SignalKind::Scim, directory, subjects, effect);
    let mut all = facts(disabled, Effect::Disabled);
    all.extend(facts(enabled, Effect::Enabled));
    all.extend(facts(ended, not_before));
    all
}

/// Whether `subject` was disabled by SCIM: by a user who is not there any more, if nobody else has the name.
fn stands(signals: &Signals, directory: &Arc<str>, subject: &Subject) -> bool {
    let lift = signals.facts(SignalKind::Scim, directory, vec![subject.clone()], Effect::Enabled);
    !signals.revocations().changes(&lift).is_empty()
}
