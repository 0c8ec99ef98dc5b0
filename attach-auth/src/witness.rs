use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

/// Something that is about to be done to who may do what, for the audit trail.
///
/// Names people by ids of their directory; holds no credential.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Event {
    /// What is done: `revocation.disable`, `key.create`, `scim.user.update` …
    pub action: &'static str,
    /// The directory it is done in.
    pub directory: Option<Arc<str>>,
    /// Who does it: a caller's id, or the name of a signal's credential.
    pub actor: Box<str>,
    /// To whom or what.
    pub target: Option<Box<str>>,
    /// What else an auditor wants to know.
    pub details: Vec<(&'static str, Box<str>)>,
}

impl Event {
    /// `actor` does `action`.
    #[must_use]
    pub fn new(action: &'static str, actor: impl Into<Box<str>>) -> Self {
        Self { action, directory: None, actor: actor.into(), target: None, details: Vec::new() }
    }

    /// In this directory.
    #[must_use]
    pub fn directory(mut self, directory: impl Into<Arc<str>>) -> Self {
        self.directory = Some(directory.into());
        self
    }

    /// To this target.
    #[must_use]
    pub fn target(mut self, target: impl Into<Box<str>>) -> Self {
        self.target = Some(target.into());
        self
    }

    /// With this detail.
    #[must_use]
    pub fn detail(mut self, name: &'static str, value: impl Into<Box<str>>) -> Self {
        self.details.push((name, value.into()));
        self
    }
}

/// Writes down what is about to be done, durably, before it is done.
pub trait Witness: fmt::Debug + Send + Sync + 'static {
    /// Ready when `event` is recorded. An error means that it must not be done.
    fn witness(&self, event: Event) -> Pin<Box<dyn Future<Output = Result<(), Unwitnessed>> + Send>>;
}

/// There is no record, so nothing may be done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Unwitnessed;

impl fmt::Display for Unwitnessed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("cannot be recorded at the moment")
    }
}

impl std::error::Error for Unwitnessed {}

/// Writes events to the log of the program, for services without an audit trail.
#[derive(Debug, Clone, Copy, Default)]
#[non_exhaustive]
pub struct LogWitness;

impl Witness for LogWitness {
    fn witness(&self, event: Event) -> Pin<Box<dyn Future<Output = Result<(), Unwitnessed>> + Send>> {
        tracing::info!(action = event.action, actor = %event.actor, target = ?event.target, "done");
        Box::pin(async { Ok(()) })
    }
}
