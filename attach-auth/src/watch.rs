use std::fmt;
use std::future::{Future, pending};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use attach_core::body::Guard;
use attach_core::{Exchange, Identity, Rejection};
use tokio::sync::watch;

use crate::Revocations;
use crate::challenge::Challenge;
use crate::clock::Clock;
use crate::deadlines::Deadline;
use crate::standing::{Standing, ended};

/// Holds a running answer to its caller's standing.
pub(crate) struct Watch {
    identity: Arc<Identity>,
    exchange: Exchange,
    challenge: Arc<Challenge>,
    facts: Option<Facts>,
    deadline: Option<(Deadline, Arc<dyn Clock>)>,
}

struct Facts {
    revocations: Revocations,
    /// Ready with each change. What is polled from a body cannot borrow, so the receiver travels.
    changed: Pin<Box<dyn Future<Output = watch::Receiver<u64>> + Send>>,
    /// Whether something may have changed since the caller was last looked at.
    due: bool,
}

impl Watch {
    pub(crate) fn new(
        standing: &Standing,
        identity: Arc<Identity>,
        deadline: Option<Deadline>,
        exchange: Exchange,
        challenge: Arc<Challenge>,
    ) -> Self {
        let facts = standing.revocations.clone().map(|revocations| {
            let changed = changed(revocations.subscribe());
            Facts { revocations, changed, due: true }
        });
        let deadline = deadline.map(|deadline| (deadline, Arc::clone(&standing.clock)));
        Self { identity, exchange, challenge, facts, deadline }
    }

    fn poll_code(&mut self, cx: &mut Context<'_>) -> Poll<&'static str> {
        if let Some(facts) = &mut self.facts
            && facts.refuses(&self.identity, cx)
        {
            return Poll::Ready("revoked");
        }
        match &mut self.deadline {
            Some((deadline, clock)) => deadline.poll(clock.elapsed(), cx).map(|()| "token_expired"),
            None => Poll::Pending,
        }
    }
}

impl Facts {
    fn refuses(&mut self, identity: &Identity, cx: &mut Context<'_>) -> bool {
        // Until it is pending: only then does the next change wake us.
        while let Poll::Ready(receiver) = self.changed.as_mut().poll(cx) {
            self.changed = changed(receiver);
            self.due = true;
        }
        std::mem::take(&mut self.due) && self.revocations.refuses(identity)
    }
}

fn changed(mut receiver: watch::Receiver<u64>) -> Pin<Box<dyn Future<Output = watch::Receiver<u64>> + Send>> {
    Box::pin(async move {
        if receiver.changed().await.is_err() {
            pending::<()>().await;
        }
        receiver
    })
}

impl Guard for Watch {
    fn poll_stop(&mut self, cx: &mut Context<'_>) -> Poll<Rejection> {
        match self.poll_code(cx) {
            // The client has its last event already.
            Poll::Ready(_) if self.exchange.outcome().is_some() => Poll::Pending,
            Poll::Ready(code) => Poll::Ready(ended(code, &self.challenge)),
            Poll::Pending => Poll::Pending,
        }
    }
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Watch")
    }
}
