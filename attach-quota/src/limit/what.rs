use std::sync::Arc;

use attach_core::call::ModelGlob;
use attach_core::{Api, Call, Destination};

/// Which calls a limit is for: all of them, unless something is said. All that is said has to hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Subject {
    /// By the name that the caller asked for.
    pub(crate) models: Vec<ModelGlob>,
    pub(crate) apis: Vec<Api>,
    /// Where the call may go, and in the end: where it went.
    pub(crate) upstreams: Vec<Arc<str>>,
}

impl Subject {
    /// Whether a limit has to know what a body says before it can tell.
    pub(crate) fn reads_body(&self) -> bool {
        !self.models.is_empty()
    }

    /// Whether the limit is for a request of `api`, `call` and `destination`, as far as they are known.
    pub(crate) fn covers(
        &self,
        api: Option<Api>,
        call: Option<&Call>,
        destination: Option<&Destination>,
    ) -> bool {
        let model = |glob: &ModelGlob| call.is_some_and(|call| glob.covers(call.model.as_str()));
        let place = |name: &Arc<str>| {
            destination.is_some_and(|all| all.candidates().iter().any(|one| one.upstream == *name))
        };
        any(&self.models, model) && any(&self.apis, |one| api == Some(*one)) && any(&self.upstreams, place)
    }

    /// Whether a call that went to `upstream` is charged. What went nowhere is charged as if it had.
    pub(crate) fn went_to(&self, upstream: Option<&str>) -> bool {
        any(&self.upstreams, |one| upstream.is_none_or(|upstream| **one == *upstream))
    }
}

fn any<T>(list: &[T], holds: impl FnMut(&T) -> bool) -> bool {
    list.is_empty() || list.iter().any(holds)
}
