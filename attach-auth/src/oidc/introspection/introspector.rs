use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use attach_core::json::Document;
use attach_core::{Identity, Peer};

use super::super::cache::Digest;
use super::super::issuer::Facts;
use super::super::source::{Problem, Source};
use super::answer;
use super::asker::Asker;
use super::flights::Flights;
use super::guard::Guard;
use super::memory::{Known, Memory};
use super::opaque;
use super::{HOLD, HOLD_REFUSAL, Introspection};
use crate::Denial;
use crate::clock::{Clock, since_epoch};

/// What a client is told to wait when the provider did not answer, in seconds.
const RETRY_AFTER: u64 = 5;

/// Asks an issuer about tokens, as little as possible.
#[derive(Debug)]
pub(in super::super) struct Introspector {
    introspection: Introspection,
    asker: Asker,
    guard: Guard,
    memory: Memory,
    flights: Flights<Result<Known, Denial>>,
    problem: Mutex<Option<Problem>>,
    clock: Arc<dyn Clock>,
}

/// A token to be asked about, and who shows it.
#[derive(Debug, Clone, Copy)]
pub(in super::super) struct Shown<'t> {
    pub(in super::super) token: &'t str,
    pub(in super::super) key: Digest,
    pub(in super::super) peer: Option<&'t Peer>,
}

impl Introspector {
    pub(in super::super) fn new(introspection: Introspection, source: Source, clock: Arc<dyn Clock>) -> Self {
        Self {
            asker: Asker::new(source, &introspection),
            introspection,
            guard: Guard::new(),
            memory: Memory::new(),
            flights: Flights::default(),
            problem: Mutex::default(),
            clock,
        }
    }

    /// Finds out where to ask, so that no caller has to wait for it.
    pub(in super::super) async fn prepare(&self, issuer: &str) {
        if !self.asker.is_ready() {
            let found = self.asker.endpoint(self.clock.elapsed()).await;
            self.note(issuer, found.err());
        }
    }

    pub(in super::super) fn is_ready(&self) -> bool {
        self.asker.is_ready()
    }

    /// What was wrong with the last answer, if anything was.
    pub(in super::super) fn problem(&self) -> Option<String> {
        let problem = self.problem.lock().unwrap_or_else(PoisonError::into_inner);
        problem.as_ref().map(|problem| format!("introspection: {problem}"))
    }

    /// Who shows the token.
    pub(in super::super) async fn verify(
        &self,
        shown: Shown<'_>,
        facts: &Facts,
    ) -> Result<Arc<Identity>, Denial> {
        if let Some(known) = self.memory.find(&shown.key, self.clock.elapsed()) {
            return self.still_good(&shown.key, known?);
        }
        opaque::check(shown.token)?;
        let question = self.guard.ask(
            shown.peer,
            || self.clock.elapsed(),
            |outcome: &Result<Known, Denial>| {
                // Good tokens of people who lack a right are no junk.
                outcome.as_ref().is_err_and(|denial| denial.status() == http::StatusCode::UNAUTHORIZED)
            },
            self.ask(&shown, facts),
        );
        self.still_good(&shown.key, self.flights.join(shown.key, question).await??)
    }

    /// Time may have run out since the provider was asked.
    fn still_good(&self, key: &Digest, known: Known) -> Result<Arc<Identity>, Denial> {
        known.times.check(self.clock.now()).inspect_err(|_| self.memory.forget(key))?;
        Ok(known.identity)
    }

    async fn ask(&self, shown: &Shown<'_>, facts: &Facts) -> Result<Known, Denial> {
        // Another flight may have landed between the look into the memory and this one's start.
        if let Some(known) = self.memory.find(&shown.key, self.clock.elapsed()) {
            return known;
        }
        let asked = self.clock.elapsed();
        let answer = self.asker.ask(shown.token, asked).await;
        let outcome = self.judge(answer, facts)?;
        match &outcome {
            Ok(known) => self.memory.keep(shown.key, known.clone(), asked + self.hold(known)),
            Err(denial) => self.memory.refuse(shown.key, denial.clone(), asked + HOLD_REFUSAL),
        }
        outcome
    }

    /// What an answer means. `Err` if there is none: that is the provider's trouble, not the token's.
    fn judge(
        &self,
        answer: Result<Document, Problem>,
        facts: &Facts,
    ) -> Result<Result<Known, Denial>, Denial> {
        let unclear = || Problem::Refused("the answer has no `active` that is true or false".to_owned());
        let answer = answer.and_then(|answer| {
            let active = answer::is_active(answer.root()).ok_or_else(unclear)?;
            Ok(active.then_some(answer))
        });
        self.note(&facts.config.issuer, answer.as_ref().err().cloned());
        match answer {
            Ok(Some(answer)) => Ok(answer::check(&answer, &self.introspection, facts, self.clock.now())),
            Ok(None) => Ok(Err(Denial::invalid_token("token_inactive").with_reason("inactive"))),
            Err(_) => Err(Denial::unavailable(RETRY_AFTER).with_reason("idp_unavailable")),
        }
    }

    /// How long a good answer is believed: no longer than the token is good.
    fn hold(&self, known: &Known) -> Duration {
        let left = known.times.exp.saturating_sub(since_epoch(self.clock.now()));
        HOLD.min(Duration::from_secs(left))
    }

    /// One line of the log at each end of an outage.
    fn note(&self, issuer: &str, problem: Option<Problem>) {
        let mut last = self.problem.lock().unwrap_or_else(PoisonError::into_inner);
        match (&*last, &problem) {
            (None, Some(problem)) => tracing::warn!(issuer, %problem, "tokens cannot be asked about"),
            (Some(_), None) => tracing::info!(issuer, "tokens can be asked about again"),
            _ => {}
        }
        *last = problem;
    }
}
