use std::future::Future;
use std::pin::Pin;

use attach_audit::{Audit, Deed};
use attach_auth::{Event, Unwitnessed, Witness};

/// The audit log as the witness of what is done to callers' rights.
#[derive(Debug, Clone)]
pub(crate) struct AuditWitness(pub(crate) Audit);

impl Witness for AuditWitness {
    fn witness(&self, event: Event) -> Pin<Box<dyn Future<Output = Result<(), Unwitnessed>> + Send>> {
        let audit = self.0.clone();
        Box::pin(async move { audit.record(&deed(event)).await.map_err(|_| Unwitnessed::default()) })
    }
}

fn deed(event: Event) -> Deed {
    let own = ["key.", "service.", "policy.", "config.", "quota.", "state."];
    let own = own.iter().any(|about| event.action.starts_with(about));
    let new = if own { Deed::admin } else { Deed::revocation };
    let mut deed = new(event.action, event.actor);
    if let Some(directory) = event.directory {
        deed = deed.directory(&*directory);
    }
    if let Some(target) = event.target {
        deed = deed.target(target);
    }
    event.details.into_iter().fold(deed, |deed, (name, value)| deed.detail(name, value))
}
