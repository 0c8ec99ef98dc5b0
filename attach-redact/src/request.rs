//! From the leaves of a call to the edits of its body.

use attach_core::call::{Modality, Opaque};
use attach_core::exchange::{Coverage, Redaction};
use attach_core::json::{Document, Edit};
use attach_core::{Exchange, Outcome as End, Payload, Rejection};
use http::StatusCode;

use crate::budget::Budget;
use crate::session::{Outcome, Session, Text};
use crate::vault::Vault;
use crate::{Entity, Fault, Redactor, Scope, Uninspectable};

mod any;
mod plan;
mod signed;

use self::plan::Plan;

/// Whose call it is, and how long it may be looked at.
pub(crate) struct Whose {
    pub(crate) scope: Scope,
    pub(crate) budget: Budget,
}

impl Whose {
    /// A document of `scope`'s own, outside a layer.
    pub(crate) fn own(redactor: &Redactor, scope: &Scope) -> Self {
        Self { scope: scope.clone(), budget: redactor.budget().clone() }
    }
}

/// A request taken apart: what is in it, before it is redacted.
pub(crate) struct Prepared {
    document: Document,
    plan: Plan,
    pub(crate) coverage: Coverage,
}

/// A request that was looked at.
pub(crate) struct Looked {
    document: Document,
    plan: Plan,
    facts: Redaction,
    outcome: Outcome,
}

impl Prepared {
    /// The texts of `payload`, unless it has what nobody can look into.
    pub(crate) fn of(redactor: &Redactor, payload: &Payload) -> Result<Self, Rejection> {
        let coverage = check_opaque(redactor, payload)?;
        let plan = Plan::of(redactor, payload).map_err(fault)?;
        let coverage = if plan.passes { Coverage::Partial } else { coverage };
        Ok(Self { document: payload.document().clone(), plan, coverage })
    }

    pub(crate) fn document(&self) -> &Document {
        &self.document
    }

    pub(crate) fn texts(&self) -> &[Text] {
        &self.plan.texts
    }

    pub(crate) fn texts_mut(&mut self) -> &mut [Text] {
        &mut self.plan.texts
    }

    /// Looks at all of it for the caller `whose`.
    pub(crate) fn look(self, redactor: &Redactor, whose: &Whose) -> Result<Looked, Fault> {
        let Self { document, mut plan, coverage } = self;
        let mut session = Session::new(redactor, &whose.scope, whose.budget.start());
        plan.texts = session.redact_unless_blocked(plan.texts)?;
        Ok(Looked { document, plan, facts: session.facts(coverage), outcome: session.into_outcome() })
    }

    /// The edits that take out what is found for the caller `whose`, and what it takes to restore; what was found is
    /// noted in `exchange` also if it is blocked.
    pub(crate) fn redact(
        self,
        redactor: &Redactor,
        whose: &Whose,
        exchange: &Exchange,
    ) -> Result<(Vec<Edit>, Vault), Rejection> {
        let looked = self.look(redactor, whose).map_err(fault)?;
        exchange.facts(|facts| facts.redaction = Some(looked.facts.clone()));
        looked.plan.check(&looked.document)?;
        let (edits, outcome) = looked.edits().map_err(fault)?;
        Ok((edits, outcome.vault))
    }
}

impl Looked {
    /// What is in it that is to be blocked.
    pub(crate) fn blocked(&self) -> Vec<Entity> {
        let texts = self.plan.texts.iter();
        let mut blocked: Vec<_> = texts.flat_map(|text| text.blocked().iter().cloned()).collect();
        blocked.sort_unstable();
        blocked.dedup();
        blocked
    }

    /// What takes out what was found, and what it takes to restore.
    pub(crate) fn edits(self) -> Result<(Vec<Edit>, Outcome), Fault> {
        Ok((self.plan.edits()?, self.outcome))
    }
}

/// 503 `redaction_failed`: what could not be looked at does not leave.
pub(crate) fn fault(fault: Fault) -> Rejection {
    let message = if fault.is_late() {
        "inspecting the request took too long, so it was not forwarded"
    } else {
        "the request could not be inspected, so it was not forwarded"
    };
    Rejection::new(StatusCode::SERVICE_UNAVAILABLE, "redaction_failed", message).with_reason(fault.reason())
}

/// 422 `uninspectable_content` for a part that nobody can look into, unless it is permitted.
fn check_opaque(redactor: &Redactor, payload: &Payload) -> Result<Coverage, Rejection> {
    let opaque = &payload.call().opaque;
    let blocked = opaque.iter().find(|part| redactor.uninspectable(part.modality) == Uninspectable::Block);
    match blocked {
        Some(part) => Err(uninspectable(payload, part)),
        None if opaque.is_empty() => Ok(Coverage::Full),
        None => Ok(Coverage::Partial),
    }
}

fn uninspectable(payload: &Payload, part: &Opaque) -> Rejection {
    let path = payload.document().value(part.node).path();
    let (name, switch) = (part.modality.as_str(), switch(part.modality));
    let message = format!(
        "{name} content at {path} cannot be inspected and must not leave; the operator can permit it by \
         [redact] uninspectable.{switch} = \"allow\""
    );
    Rejection::new(StatusCode::UNPROCESSABLE_ENTITY, "uninspectable_content", message)
        .with_param(path)
        .with_outcome(End::Blocked)
}

/// The key of the configuration that permits a modality.
fn switch(modality: Modality) -> &'static str {
    match modality {
        Modality::Image => "images",
        Modality::Audio => "audio",
        Modality::Video => "videos",
        Modality::File => "files",
        Modality::TokenIds => "token_ids",
        Modality::Encrypted => "encrypted",
        _ => "unknown",
    }
}
