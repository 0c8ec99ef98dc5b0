//! What the buckets of a limit are called.

use std::sync::Arc;

use super::{Limit, Scope, Window};
use crate::store::fingerprint_of;

impl Limit {
    /// What the buckets of this limit are named after: limits for group members that are alternatives share theirs, so
    /// that what somebody used stays used when their groups change.
    pub(crate) fn bucket(&self) -> &Arc<str> {
        &self.bucket
    }

    pub(crate) fn fingerprint(&self) -> u128 {
        self.fingerprint
    }

    pub(crate) fn renamed(mut self, id: String) -> Self {
        self.id = id.into();
        let bucket = Arc::clone(&self.id);
        self.drawing_from(Some(bucket))
    }

    /// The limit with the name of its bucket, once it is known what it is for.
    pub(crate) fn settled(self) -> Self {
        let shared = (self.scope == Scope::GroupMember).then(|| self.allowance().into());
        self.drawing_from(shared)
    }

    pub(super) fn drawing_from(mut self, bucket: Option<Arc<str>>) -> Self {
        self.bucket = bucket.unwrap_or(self.bucket);
        self.fingerprint = fingerprint_of(("bucket", &self.bucket, self.unit));
        self
    }

    /// Names the allowance that this limit is one amount of.
    fn allowance(&self) -> String {
        let mut what: Vec<_> = self.what.models.iter().map(|model| format!("model={model}")).collect();
        what.extend(self.what.apis.iter().map(|api| format!("api={}", api.as_str())));
        what.extend(self.what.upstreams.iter().map(|upstream| format!("upstream={upstream}")));
        what.sort_unstable();
        let (unit, period) = (self.unit.as_str(), self.window.period_name().unwrap_or("at-a-time"));
        // A month in Berlin is not the month in New York, and no count can be both.
        let zone = match &self.window {
            Window::Budget(budget) => budget.time_zone(),
            Window::Rate { .. } | Window::Level(_) => "-",
        };
        format!("group-member {unit} {period} {zone} {}", what.join(" "))
    }
}
