use std::sync::Arc;

use attach_core::Fetch;

/// An issuer's own way of fetching.
#[derive(Debug, Clone)]
pub(super) struct OwnFetch {
    /// What is special about it, as in "ca corporate.pem".
    pub(super) what: Box<str>,
    pub(super) fetch: Arc<dyn Fetch>,
}
