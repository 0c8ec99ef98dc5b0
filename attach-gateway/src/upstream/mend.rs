use attach_core::body::Guard;
use attach_core::{BoxError, Exchange, Rejection};

use super::refusal;
use crate::telemetry::trace_id;

/// Ends a stream whose upstream broke in the caller's own terminal event, instead of a broken connection.
#[derive(Debug)]
pub(super) struct Mend(pub(super) Exchange);

impl Guard for Mend {
    fn error(&mut self, error: BoxError) -> Result<Rejection, BoxError> {
        let trace_id = trace_id(&self.0);
        tracing::warn!(exchange = %self.0.id(), trace_id, %error, "the upstream broke off its answer");
        Ok(refusal::ended(&self.0))
    }
}
