//! The configuration in force, and the services that always go by it.

use std::sync::Arc;

use arc_swap::ArcSwap;
use http::Request;
use hyper::body::Incoming;

use super::{Assembly, Lasting};
use crate::stack::Stack;

/// The [`Assembly`] in force. Clones share it.
#[derive(Clone)]
pub(crate) struct Current(Arc<ArcSwap<Assembly>>);

impl Current {
    pub(super) fn new(first: Assembly) -> Self {
        Self(Arc::new(ArcSwap::from_pointee(first)))
    }

    /// What is in force.
    pub(crate) fn load(&self) -> Arc<Assembly> {
        self.0.load_full()
    }

    /// Puts `next` in force: whatever begins from now on goes by it, and what runs goes on as it began.
    pub(crate) fn replace(&self, next: Assembly, lasting: &Lasting) {
        let (config, hash) = (Arc::clone(&next.config), Arc::clone(&next.hash));
        // A moment in which a new exception does not count under the old limits is none in which it is lost.
        next.enter(lasting);
        self.0.store(Arc::new(next));
        lasting.configured(&config, &hash);
    }

    /// The service for callers: each request is served by what is in force when it comes.
    pub(super) fn callers(&self) -> Stack {
        self.service(Assembly::of_host)
    }

    /// That for administrators.
    pub(super) fn admins(&self) -> Stack {
        // There is one before and after: a listener does not come or go while the process lives.
        self.service(|assembly, _| assembly.admin.as_ref())
    }

    fn service(&self, which: for<'a> fn(&'a Assembly, &Request<Incoming>) -> Option<&'a Stack>) -> Stack {
        let current = self.clone();
        Stack::of(move |request| {
            let assembly = current.0.load();
            which(&assembly, &request).unwrap_or(&assembly.stack).serve(request)
        })
    }
}
