use attach_core::destination::Candidate;
use attach_core::{Api, Call, Identity, Peer};

use super::Verdict;

/// What a policy is asked about.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Ask<'a> {
    /// Who is calling.
    pub identity: &'a Identity,
    /// The operation; `None` if it is none of the known ones, or if every one is meant, as in a list of models.
    pub api: Option<Api>,
    /// The model's canonical name (`llama3`, not `llama3:latest`); `None` if the request is about no model.
    pub model: Option<&'a str>,
    /// The call, if there is one.
    pub call: Option<&'a Call>,
    /// The hosted tools that the call uses.
    pub tools: &'a [Box<str>],
    /// The place that the call would go to; one that may go to several is asked about once for each. `None` is
    /// somewhere outside the perimeter, of which nothing is known.
    pub candidate: Option<&'a Candidate>,
    /// The connection, if the server told.
    pub peer: Option<&'a Peer>,
    /// The administrative act (`keys.manage`), if the request is one and no call of a model.
    pub verb: Option<&'a str>,
}

impl<'a> Ask<'a> {
    /// Whether `identity` may be here at all.
    #[must_use]
    pub fn new(identity: &'a Identity) -> Self {
        Self {
            identity,
            api: None,
            model: None,
            call: None,
            tools: &[],
            candidate: None,
            peer: None,
            verb: None,
        }
    }

    /// Whether `identity` may use the model with the canonical name `model` in some way: what a list of models asks.
    #[must_use]
    pub fn model(identity: &'a Identity, model: &'a str) -> Self {
        Self { model: Some(model), ..Self::new(identity) }
    }

    /// Whether `identity` may make `call`.
    #[must_use]
    pub fn call(identity: &'a Identity, call: &'a Call) -> Self {
        Self {
            api: Some(call.api),
            model: Some(call.model.canonical()),
            call: Some(call),
            tools: &call.hosted_tools,
            ..Self::new(identity)
        }
    }

    /// Whether `identity` may do what the administrative verb `verb` stands for, such as `revocations.write`.
    #[must_use]
    pub fn verb(identity: &'a Identity, verb: &'a str) -> Self {
        Self { verb: Some(verb), ..Self::new(identity) }
    }

    /// The same question, for a call that would go to `candidate`.
    #[must_use]
    pub fn with_candidate(mut self, candidate: Option<&'a Candidate>) -> Self {
        self.candidate = candidate;
        self
    }

    /// The same question, knowing the connection.
    #[must_use]
    pub fn with_peer(mut self, peer: Option<&'a Peer>) -> Self {
        self.peer = peer;
        self
    }

    /// The same question, for one operation.
    #[must_use]
    pub fn with_api(mut self, api: Option<Api>) -> Self {
        self.api = api;
        self
    }

    /// The same question, for a call that uses these hosted tools.
    #[must_use]
    pub fn with_tools(mut self, tools: &'a [Box<str>]) -> Self {
        self.tools = tools;
        self
    }
}

/// Decides what a caller may do. Closures are policies; they return a [`Verdict`], a
/// [`Decision`](attach_core::exchange::Decision) or a `bool`.
///
/// A decision must not depend on whether a model exists: names would leak by the difference.
pub trait Policy: Send + Sync + 'static {
    /// The decision on `ask`. Its reason is for the audit trail; the caller sees one of a few fixed codes.
    fn allows(&self, ask: &Ask<'_>) -> Verdict;
}

impl<F, D> Policy for F
where
    F: Fn(&Ask<'_>) -> D + Send + Sync + 'static,
    D: Into<Verdict>,
{
    fn allows(&self, ask: &Ask<'_>) -> Verdict {
        self(ask).into()
    }
}
