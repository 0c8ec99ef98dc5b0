//! The third side of every promise: what the audit log says.

use std::path::Path;

use serde_json::Value;

/// What the log says about one request.
#[derive(Debug)]
pub(crate) struct Trail(Vec<Value>);

impl Trail {
    pub(crate) fn of(records: &[Value], request: &str) -> Self {
        Self(records.iter().filter(|record| record["req_id"] == request).cloned().collect())
    }

    /// The kinds of its records, in order.
    pub(crate) fn kinds(&self) -> Vec<&str> {
        self.0.iter().filter_map(|record| record["kind"].as_str()).collect()
    }

    /// The one record of this kind.
    pub(crate) fn one(&self, kind: &str) -> &Value {
        let mut found = self.0.iter().filter(|record| record["kind"] == kind);
        let one = found.next().unwrap_or_else(|| panic!("no {kind} record: {self:?}"));
        assert!(found.next().is_none(), "more than one {kind} record: {self:?}");
        one
    }

    pub(crate) fn intent(&self) -> &Value {
        self.one("intent")
    }

    pub(crate) fn outcome(&self) -> &Value {
        self.one("outcome")
    }

    pub(crate) fn reject(&self) -> &Value {
        self.one("reject")
    }

    /// The `end` of its last record.
    pub(crate) fn end(&self) -> &str {
        self.0.last().and_then(|record| record["end"].as_str()).unwrap_or_default()
    }
}

/// The log's bytes, segment after segment.
pub(crate) fn text(folder: &Path) -> String {
    let Ok(entries) = std::fs::read_dir(folder) else { return String::new() };
    let mut segments: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
    segments.retain(|path| path.extension().is_some_and(|extension| extension == "jsonl"));
    segments
        .retain(|path| path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"audit-")));
    segments.sort();
    segments.iter().map(|path| std::fs::read_to_string(path).unwrap()).collect()
}

/// The log's records, in order. A line that is being written is not there yet.
pub(crate) fn records(folder: &Path) -> Vec<Value> {
    whole(&text(folder)).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Holds every record against the schema.
pub(crate) fn check(folder: &Path) {
    whole(&text(folder)).lines().for_each(|line| _ = super::schema::checked(line));
}

fn whole(text: &str) -> &str {
    text.rfind('\n').map_or("", |end| &text[..end])
}
