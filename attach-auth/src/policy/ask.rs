use attach_core::exchange::Decision;
use attach_core::{Api, Call, Destination, Identity, Peer};

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
    /// Where the request may go, if that is known.
    pub destination: Option<&'a Destination>,
    /// The connection, if the server told.
    pub peer: Option<&'a Peer>,
}

impl<'a> Ask<'a> {
    /// Whether `identity` may be here at all.
    #[must_use]
    pub fn new(identity: &'a Identity) -> Self {
        Self { identity, api: None, model: None, call: None, destination: None, peer: None }
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
            ..Self::new(identity)
        }
    }

    /// The same question, knowing where the request may go.
    #[must_use]
    pub fn with_destination(mut self, destination: Option<&'a Destination>) -> Self {
        self.destination = destination;
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
}

/// Decides what a caller may do. Closures are policies.
///
/// A decision must not depend on whether a model exists: names would leak by the difference.
pub trait Policy: Send + Sync + 'static {
    /// The decision on `ask`. Its reason is for the audit trail; the caller sees one of a few fixed codes.
    fn allows(&self, ask: &Ask<'_>) -> Decision;
}

impl<F> Policy for F
where
    F: Fn(&Ask<'_>) -> Decision + Send + Sync + 'static,
{
    fn allows(&self, ask: &Ask<'_>) -> Decision {
        self(ask)
    }
}
