//! Holds a record against the published schema. The gateway's tests use this file as well.

use std::sync::LazyLock;

use serde_json::Value;

const TEXT: &str = include_str!("../../../docs/audit-record.schema.json");

/// What our schema uses of JSON Schema. A keyword that is not here would be passed over in silence.
const KEYWORDS: [&str; 18] = [
    "$schema",
    "title",
    "description",
    "type",
    "properties",
    "required",
    "additionalProperties",
    "enum",
    "const",
    "minimum",
    "maximum",
    "maxLength",
    "pattern",
    "format",
    "items",
    "minItems",
    "maxItems",
    "anyOf",
];

/// Parses a line of the log and checks it.
pub(crate) fn checked(line: &str) -> Value {
    static SCHEMA: LazyLock<Value> =
        LazyLock::new(|| serde_json::from_str(TEXT).expect("the schema is JSON"));
    let record: Value = serde_json::from_str(line).expect("a record is JSON");
    if let Err(wrong) = check(&SCHEMA, &record, "$") {
        panic!("{wrong}: {line}");
    }
    assert_in_order(line, &record);
    record
}

/// Holds a value against a schema; the gateway's configuration has one as well.
pub(crate) fn check(schema: &Value, value: &Value, at: &str) -> Result<(), String> {
    let keywords = schema.as_object().ok_or(format!("{at}: the schema is no object"))?;
    if let Some(unknown) = keywords.keys().find(|keyword| !KEYWORDS.contains(&keyword.as_str())) {
        return Err(format!("{at}: the checker does not know {unknown}"));
    }
    if let Some(ways) = schema["anyOf"].as_array() {
        let none = || format!("{at} is {value}, which is none of {}", schema["anyOf"]);
        return if ways.iter().any(|way| check(way, value, at).is_ok()) { Ok(()) } else { Err(none()) };
    }
    let fits = fits(schema, value)?;
    let allowed = schema["enum"].as_array().is_none_or(|list| list.contains(value));
    let constant = schema.get("const").is_none_or(|only| only == value);
    if !(fits && allowed && constant && text_fits(schema, value)?) {
        return Err(format!("{at} is {value}, against {schema}"));
    }
    if let Some(members) = value.as_object() {
        for required in schema["required"].as_array().into_iter().flatten() {
            members.get(required.as_str().unwrap_or_default()).ok_or(format!("{at} lacks {required}"))?;
        }
        for (name, member) in members {
            let known = schema["properties"].get(name).or_else(|| match &schema["additionalProperties"] {
                Value::Object(_) => Some(&schema["additionalProperties"]),
                _ => None,
            });
            check(
                known.ok_or(format!("{at} has an unknown member {name}"))?,
                member,
                &format!("{at}.{name}"),
            )?;
        }
    }
    for (n, item) in value.as_array().into_iter().flatten().enumerate() {
        check(&schema["items"], item, &format!("{at}[{n}]"))?;
    }
    Ok(())
}

/// Its type, and of a number its size.
fn fits(schema: &Value, value: &Value) -> Result<bool, String> {
    let least = schema["minimum"].as_f64().is_none_or(|least| value.as_f64().is_some_and(|n| n >= least));
    let most = schema["maximum"].as_f64().is_none_or(|most| value.as_f64().is_some_and(|n| n <= most));
    let items = value.as_array().map_or(0, Vec::len) as u64;
    let enough = schema["minItems"].as_u64().is_none_or(|least| items >= least)
        && schema["maxItems"].as_u64().is_none_or(|most| items <= most);
    Ok(least
        && most
        && enough
        && match schema["type"].as_str() {
            Some("object") => value.is_object(),
            Some("array") => value.is_array(),
            Some("string") => value.is_string(),
            Some("integer") => value.is_u64() || value.is_i64(),
            Some("number") => value.is_number(),
            Some("boolean") => value.is_boolean(),
            Some(other) => return Err(format!("the checker does not know type {other}")),
            None => true,
        })
}

fn text_fits(schema: &Value, value: &Value) -> Result<bool, String> {
    let Some(text) = value.as_str() else { return Ok(true) };
    let short = schema["maxLength"].as_u64().is_none_or(|max| text.chars().count() as u64 <= max);
    let hex = |n: usize| text.len() == n && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    let matches = match schema["pattern"].as_str() {
        None => true,
        Some("^[0-9a-f]{64}$") => hex(64),
        Some("^[0-9a-f]{32}$") => hex(32),
        Some("^[0-9]+ ?(ms|s|m|h|d)$") => amount(text, &["ms", "s", "m", "h", "d"]),
        Some("^[0-9]+ ?(B|KiB|MiB|GiB)?$") => amount(text, &["", "B", "KiB", "MiB", "GiB"]),
        Some(other) => return Err(format!("the checker does not know pattern {other}")),
    };
    let formed = match schema["format"].as_str() {
        None => true,
        Some("uuid") => looks_like("00000000-0000-0000-0000-000000000000", text),
        Some("date-time") => looks_like("0000-00-00T00:00:00.000000000Z", text),
        Some(other) => return Err(format!("the checker does not know format {other}")),
    };
    Ok(short && matches && formed)
}

/// A whole number and one of these units.
fn amount(text: &str, units: &[&str]) -> bool {
    let unit = text.trim_start_matches(|c: char| c.is_ascii_digit());
    unit.len() < text.len() && units.contains(&unit.strip_prefix(' ').unwrap_or(unit))
}

/// Hex digits where `form` has a zero, and the same elsewhere.
fn looks_like(form: &str, text: &str) -> bool {
    let same = |(form, byte): (u8, u8)| if form == b'0' { byte.is_ascii_hexdigit() } else { form == byte };
    form.len() == text.len() && form.bytes().zip(text.bytes()).all(same)
}

/// The members of a record stand in the order of the schema.
fn assert_in_order(line: &str, record: &Value) {
    // From the text, because a parsed object has forgotten its order.
    static ORDER: LazyLock<Vec<&str>> = LazyLock::new(|| {
        let members = TEXT.lines().skip_while(|line| *line != "  \"properties\": {").skip(1);
        members
            .filter_map(|line| line.strip_prefix("    \"")?.split_once('"').map(|(name, _)| name))
            .collect()
    });
    let mut from = 0;
    let members = record.as_object().expect("an object");
    for name in ORDER.iter().filter(|name| members.contains_key(**name)) {
        let found = line[from..].find(&format!("\"{name}\":"));
        from += found.unwrap_or_else(|| panic!("{name} is out of order: {line}"));
    }
}
