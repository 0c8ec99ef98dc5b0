//! What Anthropic wants of a JSON Schema and others do not.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{MapAccess, Visitor};
use serde_json::value::RawValue;

/// The schema of a tool's arguments: there has to be one, and it has to say that they are an object.
pub(super) fn of_arguments(schema: Option<&RawValue>) -> Cow<'_, RawValue> {
    let rest = schema.and_then(|schema| schema.get().strip_prefix('{'));
    let text = match (schema, rest.map(str::trim_start)) {
        (Some(schema), Some(_)) if members(schema).iter().any(|(key, _)| key == "type") => {
            return Cow::Borrowed(schema);
        }
        (_, Some(rest)) if !rest.starts_with('}') => format!("{{\"type\":\"object\",{rest}"),
        _ => "{\"type\":\"object\"}".to_owned(),
    };
    raw(text, schema)
}

/// The schema of an answer: its objects have to be closed. Objects that say what else they may hold stay as they
/// are; of the others, an answer that fits the closed one fits the open one.
/// Source: "Structured outputs", JSON Schema limitations.
pub(super) fn of_answer(schema: &RawValue) -> Cow<'_, RawValue> {
    let mut text = String::with_capacity(schema.get().len() + 64);
    close(schema, Place::Schema, &mut text);
    raw(text, Some(schema))
}

/// What is written here is JSON; if it were not, the caller's own schema would go.
fn raw(text: String, schema: Option<&RawValue>) -> Cow<'_, RawValue> {
    RawValue::from_string(text).map_or_else(|_| Cow::Borrowed(schema.unwrap_or(RawValue::NULL)), Cow::Owned)
}

/// What a value within a schema is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// A schema, or a list of them.
    Schema,
    /// Schemas by names of the caller's own.
    Named,
    /// Anything else: `enum`, `default` …
    Other,
}

impl Place {
    fn of_member(self, key: &str) -> Self {
        match (self, key) {
            (Self::Schema, "properties" | "$defs" | "definitions" | "patternProperties") => Self::Named,
            (
                Self::Schema,
                "items" | "prefixItems" | "anyOf" | "allOf" | "oneOf" | "additionalProperties",
            )
            | (Self::Named, _) => Self::Schema,
            _ => Self::Other,
        }
    }
}

/// No deeper than the request may be, which is parsed already.
fn close(value: &RawValue, place: Place, out: &mut String) {
    let text = value.get();
    match text.bytes().next() {
        Some(b'{') if place != Place::Other => close_object(&members(value), place, out),
        Some(b'[') if place == Place::Schema => {
            out.push('[');
            let elements: Vec<&RawValue> = serde_json::from_str(text).unwrap_or_default();
            for (number, element) in elements.into_iter().enumerate() {
                out.push_str(if number > 0 { "," } else { "" });
                close(element, place, out);
            }
            out.push(']');
        }
        _ => out.push_str(text),
    }
}

fn close_object(members: &[(String, &RawValue)], place: Place, out: &mut String) {
    out.push('{');
    for (number, (key, value)) in members.iter().enumerate() {
        out.push_str(if number > 0 { "," } else { "" });
        out.push_str(&serde_json::to_string(key).unwrap_or_default());
        out.push(':');
        close(value, place.of_member(key), out);
    }
    let has = |name: &str| members.iter().any(|(key, _)| key == name);
    if place == Place::Schema && has("properties") && !has("additionalProperties") {
        out.push_str(",\"additionalProperties\":false");
    }
    out.push('}');
}

/// The members of an object in their order, which is the order of the answer's.
fn members(object: &RawValue) -> Vec<(String, &RawValue)> {
    struct Members<'a>(Vec<(String, &'a RawValue)>);

    struct Collect;

    impl<'de> Visitor<'de> for Collect {
        type Value = Members<'de>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
            let mut members = Vec::new();
            while let Some(member) = map.next_entry()? {
                members.push(member);
            }
            Ok(Members(members))
        }
    }

    impl<'de> Deserialize<'de> for Members<'de> {
        fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            deserializer.deserialize_map(Collect)
        }
    }

    serde_json::from_str::<Members<'_>>(object.get()).map_or_else(|_| Vec::new(), |members| members.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str) -> Box<RawValue> {
        RawValue::from_string(text.to_owned()).unwrap()
    }

    #[test]
    fn arguments_are_an_object_whatever_their_schema_leaves_out() {
        for (schema, expected) in [
            (None, r#"{"type":"object"}"#),
            (Some("{ }"), r#"{"type":"object"}"#),
            (Some("null"), r#"{"type":"object"}"#),
            (Some(r#"{"properties":{"type":{}}}"#), r#"{"type":"object","properties":{"type":{}}}"#),
            (Some(r#"{"properties":{}, "type":"object"}"#), r#"{"properties":{}, "type":"object"}"#),
        ] {
            let schema = schema.map(value);
            assert_eq!(of_arguments(schema.as_deref()).get(), expected);
        }
    }

    #[test]
    fn objects_are_closed_in_order_and_nothing_else_is_touched() {
        let schema = r#"{"type":"object","properties":{"properties":{"anyOf":[{"properties":{}},{"type":"null"}]},"b":{"type":"object","additionalProperties":{"type":"integer"}},"a":{"enum":[{"properties":1}],"default":{"properties":1.0e1}}},"$defs":{"x":{"items":{"properties":{"q\n":{}}}}}}"#;
        let closed = r#"{"type":"object","properties":{"properties":{"anyOf":[{"properties":{},"additionalProperties":false},{"type":"null"}]},"b":{"type":"object","additionalProperties":{"type":"integer"}},"a":{"enum":[{"properties":1}],"default":{"properties":1.0e1}}},"$defs":{"x":{"items":{"properties":{"q\n":{}},"additionalProperties":false}}},"additionalProperties":false}"#;
        assert_eq!(of_answer(&value(schema)).get(), closed);
    }
}
