//! From the leaves of a call to the edits of its body.

use std::borrow::Cow;
use std::collections::HashMap;

use attach_core::call::{Modality, Opaque, Place};
use attach_core::exchange::{Coverage, Redaction};
use attach_core::json::{Document, Edit, Kind, NodeId, Value};
use attach_core::{Exchange, Outcome as End, Payload, Rejection};
use http::StatusCode;

use crate::budget::Budget;
use crate::session::{Outcome, Session, Text};
use crate::vault::{Vault, next_prefix};
use crate::{Entity, Fault, Redactor, Scope, Uninspectable};

mod any;
mod signed;

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

/// Where a text comes from.
#[derive(Clone, Copy)]
struct Origin {
    node: NodeId,
    is_key: bool,
    /// Which of the arguments it stands in, if it stands in one.
    inside: Option<usize>,
}

/// A tool call's arguments that are JSON themselves.
struct Arguments {
    node: NodeId,
    document: Document,
}

/// All texts of a call.
#[derive(Default)]
struct Plan {
    arguments: Vec<Arguments>,
    texts: Vec<Text>,
    places: Vec<Origin>,
    /// Something that could be looked at passes as it is.
    passes: bool,
}

impl Plan {
    fn of(redactor: &Redactor, payload: &Payload) -> Result<Self, Fault> {
        let hide_system = !redactor.restores_system();
        let mut plan = Self::default();
        let document = payload.document();
        let mut known = HashMap::new();
        for leaf in &payload.call().leaves {
            let value = document.value(leaf.node);
            if !redactor.inspects_signed() && signed::is_history(value) {
                plan.passes = true;
                continue;
            }
            let first = plan.texts.len();
            match leaf.place {
                Place::Text if is_escaped_json(value) && !signed::is_signed(value) => plan.arguments(value),
                Place::Text => plan.string(value, None),
                Place::Key => plan.key(value, None),
                Place::Number => plan.number(value, None),
                Place::Arguments => plan.arguments(value),
                _ => return Err(Fault::new("a kind of leaf that is not known")),
            }
            if hide_system && is_system(value, &mut known) {
                let texts = plan.texts.split_off(first);
                plan.texts.extend(texts.into_iter().map(|text| text.hidden(true)));
            }
        }
        Ok(plan)
    }

    fn push(&mut self, text: Text, node: NodeId, is_key: bool, inside: Option<usize>) {
        self.texts.push(text);
        self.places.push(Origin { node, is_key, inside });
    }

    fn string(&mut self, value: Value<'_>, inside: Option<usize>) {
        let Some(text) = value.as_str().filter(|text| !text.is_empty()) else { return };
        let text = match naming_key(value) {
            // `"ssn": "078051120"` says what it is; `"content"` doesn't.
            Some(_) if next_prefix(&text, 0).is_some() && signed::is_signed(value) => Text::signed(&text),
            Some(key) if text.len() <= 64 && !is_plain_key(&key) => Text::member(&key, &text),
            _ => Text::plain(&text),
        };
        self.push(text, value.id(), false, inside);
    }

    fn key(&mut self, value: Value<'_>, inside: Option<usize>) {
        if let Some(key) = value.key() {
            self.push(Text::plain(&key), value.id(), true, inside);
        }
    }

    fn number(&mut self, value: Value<'_>, inside: Option<usize>) {
        if let Ok(number) = std::str::from_utf8(value.raw()) {
            self.push(Text::number(naming_key(value).as_deref(), number), value.id(), false, inside);
        }
    }

    /// JSON within JSON: its own strings, keys and numbers. Text, if it is no JSON.
    fn arguments(&mut self, value: Value<'_>) {
        let Some(written) = value.as_str() else { return };
        let Ok(document) = Document::parse(written.into_owned().into()) else {
            return self.string(value, None);
        };
        let inside = Some(self.arguments.len());
        let root = document.root();
        for inner in std::iter::once(root).chain(root.descendants()) {
            if inner.raw_key().is_some() {
                self.key(inner, inside);
            }
            match inner.kind() {
                Kind::String => self.string(inner, inside),
                Kind::Number if inner.raw().iter().filter(|byte| byte.is_ascii_digit()).count() >= 7 => {
                    self.number(inner, inside);
                }
                _ => {}
            }
        }
        self.arguments.push(Arguments { node: value.id(), document });
    }
}

/// Whether `value` stands in the system prompt: a top-level field for it, or a message of that role. What is `known`
/// of the values around it is not found out again: one may have as many members as a body has room for.
fn is_system(value: Value<'_>, known: &mut HashMap<NodeId, bool>) -> bool {
    let mut new = Vec::new();
    let mut at = Some(value);
    let is_inside = loop {
        let Some(value) = at else { break false };
        if let Some(is_system) = known.get(&value.id()) {
            break *is_system;
        }
        new.push(value.id());
        if begins_system(value) {
            break true;
        }
        at = value.parent();
    };
    known.extend(new.into_iter().map(|id| (id, is_inside)));
    is_inside
}

fn begins_system(value: Value<'_>) -> bool {
    let is_field = matches!(value.raw_key(), Some(b"system" | b"instructions"))
        && value.parent().is_some_and(|parent| parent.parent().is_none());
    let role = value.get("role").and_then(Value::as_str);
    is_field || matches!(role.as_deref(), Some("system" | "developer"))
}

/// The key that says what `value` is: its own, that of the list it stands in, or in `{"ssn": {"value": …}}` the one around.
fn naming_key(value: Value<'_>) -> Option<Cow<'_, str>> {
    let around = std::iter::successors(Some(value), |value| value.parent()).take(4);
    around.filter(|value| value.raw_key() != Some(b"value")).find_map(Value::key)
}

/// Whether a text is JSON with escapes in it, as the results of tools are: characters and ends of lines in them are not
/// what they look like.
fn is_escaped_json(value: Value<'_>) -> bool {
    value.as_str().is_some_and(|text| text.trim_start().starts_with(['{', '[']) && text.contains('\\'))
}

/// The keys under which calls have their texts.
fn is_plain_key(key: &str) -> bool {
    matches!(
        key,
        "content" | "text" | "input" | "prompt" | "system" | "instructions" | "description" | "value"
    )
}

impl Plan {
    fn edits(self) -> Result<Vec<Edit>, Fault> {
        let Self { arguments, texts, places, .. } = self;
        let mut edits = Vec::new();
        let mut inner: Vec<Vec<Edit>> = arguments.iter().map(|_| Vec::new()).collect();
        for (text, place) in texts.into_iter().zip(&places) {
            let Some(redacted) = text.into_redacted() else { continue };
            let edit = if place.is_key {
                Edit::key(place.node, redacted)
            } else {
                Edit::string(place.node, redacted)
            };
            match place.inside.and_then(|inside| inner.get_mut(inside)) {
                Some(inner) => inner.push(edit),
                None => edits.push(edit),
            }
        }
        for (arguments, inner) in arguments.iter().zip(inner).filter(|(_, inner)| !inner.is_empty()) {
            let spliced = arguments.document.splice(&inner).map_err(|error| Fault::new(error.to_string()))?;
            let written =
                std::str::from_utf8(spliced.bytes()).map_err(|error| Fault::new(error.to_string()))?;
            edits.push(Edit::string(arguments.node, written));
        }
        Ok(edits)
    }

    /// 422 `content_blocked` if something in `document` is to be blocked, naming entities and places, never values.
    fn check(&self, document: &Document) -> Result<(), Rejection> {
        /// More are not listed.
        const MOST: usize = 10;
        let mut found: Vec<(Entity, String)> = Vec::new();
        for (text, place) in self.texts.iter().zip(&self.places) {
            let node = place
                .inside
                .and_then(|inside| self.arguments.get(inside))
                .map_or(place.node, |outer| outer.node);
            let path = || document.value(node).path();
            found.extend(text.blocked().iter().take(MOST).map(|entity| (entity.clone(), path())));
            if found.len() >= MOST {
                break;
            }
        }
        found.dedup();
        let Some((_, first)) = found.first() else { return Ok(()) };
        let list: Vec<_> = found.iter().map(|(entity, path)| format!("{entity} at {path}")).collect();
        let message = format!("the request contains what must not leave: {}", list.join(", "));
        let rejection = Rejection::new(StatusCode::UNPROCESSABLE_ENTITY, "content_blocked", message);
        Err(rejection.with_param(first.as_str()).with_outcome(End::Blocked))
    }
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
