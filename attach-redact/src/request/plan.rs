//! All texts of a call, and where they stand.

use std::borrow::Cow;
use std::collections::HashMap;

use attach_core::call::Place;
use attach_core::json::{Document, Edit, Kind, NodeId, Value};
use attach_core::{Payload, Rejection};

use super::signed;
use crate::session::Text;
use crate::vault::next_prefix;
use crate::{Entity, Fault, Redactor};

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
pub(super) struct Plan {
    arguments: Vec<Arguments>,
    pub(super) texts: Vec<Text>,
    places: Vec<Origin>,
    /// Something that could be looked at passes as it is.
    pub(super) passes: bool,
}

impl Plan {
    pub(super) fn of(redactor: &Redactor, payload: &Payload) -> Result<Self, Fault> {
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

    pub(super) fn string(&mut self, value: Value<'_>, inside: Option<usize>) {
        if let Some(text) = text_of(value) {
            self.push(text, value.id(), false, inside);
        }
    }

    pub(super) fn key(&mut self, value: Value<'_>, inside: Option<usize>) {
        if let Some(key) = value.key() {
            self.push(Text::plain(&key), value.id(), true, inside);
        }
    }

    pub(super) fn number(&mut self, value: Value<'_>, inside: Option<usize>) {
        if let Ok(number) = std::str::from_utf8(value.raw()) {
            self.push(Text::number(naming_key(value).as_deref(), number), value.id(), false, inside);
        }
    }

    fn nearly_json(&mut self, value: Value<'_>) {
        if let Some(text) = text_of(value) {
            self.push(text.nearly_json(), value.id(), false, None);
        }
    }

    /// JSON within JSON: its own strings, keys and numbers. What is none to us may be to others.
    pub(super) fn arguments(&mut self, value: Value<'_>) {
        let Some(written) = value.as_str() else { return };
        let Ok(document) = Document::parse(written.into_owned().into()) else {
            return self.nearly_json(value);
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

/// The text of a string, if it has one.
fn text_of(value: Value<'_>) -> Option<Text> {
    let text = value.as_str().filter(|text| !text.is_empty())?;
    Some(match naming_key(value) {
        // `"ssn": "078051120"` says what it is; `"content"` doesn't.
        Some(_) if next_prefix(&text, 0).is_some() && signed::is_signed(value) => Text::signed(&text),
        Some(key) if text.len() <= 64 && !is_plain_key(&key) => Text::member(&key, &text),
        _ => Text::plain(&text),
    })
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
    pub(super) fn edits(self) -> Result<Vec<Edit>, Fault> {
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

    /// 400 `content_blocked` if something in `document` is to be blocked, naming entities and places, never values.
    pub(super) fn check(&self, document: &Document) -> Result<(), Rejection> {
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
        Err(Rejection::content_blocked(message).with_param(first.as_str()))
    }
}
