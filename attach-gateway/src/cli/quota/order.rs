//! What the gateway said it put back.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde_json::Value;

use crate::cli::keys::shown::printable;
use crate::config::scaled;
use crate::dollars;

/// The answers to all orders of one recount together.
#[derive(Debug)]
pub(super) struct Told {
    dry_run: bool,
    records: u64,
    limits: BTreeMap<String, Limit>,
    unknown: BTreeSet<String>,
    left_alone: BTreeSet<String>,
}

#[derive(Debug, Default)]
struct Limit {
    buckets: u64,
    raised: u64,
    /// By how much, in the limit's own unit; money in millionths of a dollar.
    by: u64,
    unit: String,
}

impl Told {
    pub(super) fn new(dry_run: bool, records: u64) -> Self {
        let (limits, unknown, left_alone) = Default::default();
        Self { dry_run, records, limits, unknown, left_alone }
    }

    /// `None` if it is no answer of a gateway.
    pub(super) fn add(&mut self, answer: &Value) -> Option<()> {
        for one in answer["limits"].as_array()? {
            let limit = self.limits.entry(printable(one["id"].as_str()?)).or_default();
            limit.buckets += one["buckets"].as_u64()?;
            limit.raised += one["raised"].as_u64()?;
            limit.unit = printable(one["unit"].as_str()?);
            let by = match &one["by"] {
                Value::String(text) => scaled(text, 6).ok()?,
                other => other.as_u64()?,
            };
            limit.by = limit.by.saturating_add(by);
        }
        for (name, list) in [("unknown", &mut self.unknown), ("left_alone", &mut self.left_alone)] {
            list.extend(answer[name].as_array()?.iter().filter_map(Value::as_str).map(printable));
        }
        Some(())
    }
}

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} calls of periods that go on are in the log", self.records)?;
        let done = if self.dry_run { "would be raised" } else { "raised" };
        for (id, limit) in &self.limits {
            write!(f, "{id}: {} of {} buckets {done}", limit.raised, limit.buckets)?;
            match (limit.by, &*limit.unit) {
                (0, _) => writeln!(f)?,
                (by, "usd") => writeln!(f, ", by {} usd", dollars::amount(by))?,
                (by, unit) => writeln!(f, ", by {by} {unit}")?,
            }
        }
        let list = |names: &BTreeSet<String>| names.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
        if !self.unknown.is_empty() {
            writeln!(f, "no limit of the gateway any more: {}", list(&self.unknown))?;
        }
        if !self.left_alone.is_empty() {
            let why = "a rate fills again by itself, running calls take their places again";
            writeln!(f, "not from a log ({why}): {}", list(&self.left_alone))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn several_answers_are_one_report() {
        let mut told = Told::new(false, 12);
        for (raised, by) in [(2, "1.50"), (0, "0.00"), (1, "0.25")] {
            let answer = json!({
                "limits": [{"id": "month", "unit": "usd", "buckets": 3, "raised": raised, "by": by}],
                "unknown": ["old"],
                "left_alone": ["tpm"],
            });
            told.add(&answer).expect("an answer");
        }
        let text = told.to_string();
        assert!(text.starts_with("12 calls of periods"), "{text}");
        assert!(text.contains("month: 3 of 9 buckets raised, by 1.75 usd\n"), "{text}");
        assert!(text.contains("any more: old\n") && text.ends_with("again): tpm\n"), "{text}");
        assert!(told.add(&json!({"error": "no"})).is_none());
    }
}
