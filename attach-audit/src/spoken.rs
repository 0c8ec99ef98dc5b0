//! What requests say and are told: nothing is looked at without the feature `content`.

use std::sync::Arc;

use attach_core::{Exchange, Rejection};
use bytes::Bytes;
use http::Extensions;

use crate::record::Said;

/// A request of which nothing is looked at.
#[derive(Default)]
pub(crate) struct Capture;

/// There is none.
pub(crate) enum Packer {}

impl Capture {
    pub(crate) fn begin(_: Option<&Arc<Packer>>, _: &Exchange) -> Self {
        Self
    }

    #[expect(clippy::unused_self, clippy::unnecessary_wraps, reason = "as with the feature")]
    pub(crate) fn asked(&self, _: &Exchange, _: &Extensions) -> Result<(), Rejection> {
        Ok(())
    }

    #[expect(clippy::unused_self, reason = "as with the feature")]
    pub(crate) fn heard(&self, _: &Bytes) {}

    #[expect(clippy::unused_self, reason = "as with the feature")]
    pub(crate) fn sent(&self, _: &Bytes) {}

    #[expect(clippy::unused_self, reason = "as with the feature")]
    pub(crate) fn is_sent(&self) -> bool {
        false
    }

    #[expect(clippy::unused_self, reason = "as with the feature")]
    pub(crate) fn said(&self) -> Option<Said> {
        None
    }
}
