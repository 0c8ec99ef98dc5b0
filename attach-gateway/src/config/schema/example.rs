//! The commented example, read: each setting with the value that is shown and what is said of it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use toml::{Table, Value};

pub(super) struct Setting {
    pub(super) value: Value,
    /// What stands behind it.
    pub(super) about: String,
}

pub(super) struct Example {
    pub(super) text: String,
    settings: BTreeMap<String, Setting>,
    tables: BTreeSet<String>,
    /// Tables of which there may be several.
    lists: BTreeSet<String>,
}

/// The text without the first `marks` marks of settings that are left out.
pub(super) fn bare(text: &str, marks: usize) -> String {
    let line = |line: &str| {
        let marked = line.len() - line.trim_start_matches('#').len();
        let setting = line[marked..].starts_with(|c: char| c.is_ascii_alphabetic() || c == '[');
        if setting && marked <= marks { format!("{}\n", &line[marked..]) } else { format!("{line}\n") }
    };
    text.lines().map(line).collect()
}

/// The text with files that are there, in `folder`, in the place of those that are not. Models stay where they are:
/// what reads them is not part of every build.
pub(super) fn with_files(text: &str, folder: &Path) -> String {
    // There is no private key in a repository.
    let kept =
        text.lines().filter(|line| !line.contains("\"client.pem\"") && !line.contains("\"client.key\""));
    let mut text = kept.fold(String::new(), |text, line| text + line + "\n");
    let authorities =
        ["idp-ca.pem", "splunk-ca.pem", "upstream-ca.pem", "archive-ca.pem"].map(|name| (name, CA));
    for (name, content) in authorities.into_iter().chain([("projects.txt", "Project Alpha\n")]) {
        let path = folder.join(name);
        std::fs::write(&path, content).expect("written");
        text = text.replace(&format!("\"{name}\""), &format!("{:?}", path.display().to_string()));
    }
    text
}

/// A certificate that was made for this example and signs nothing.
const CA: &str = include_str!("example-ca.pem");

impl Example {
    pub(super) fn read(text: &str) -> Self {
        let mut example = Self {
            text: text.to_owned(),
            settings: BTreeMap::new(),
            tables: BTreeSet::new(),
            lists: BTreeSet::new(),
        };
        let mut path = String::new();
        for line in bare(text, 2).lines() {
            if let Some(name) = line.strip_prefix("[[").and_then(|rest| rest.split_once("]]")) {
                name.0.clone_into(&mut path);
                example.lists.insert(path.clone());
                example.tables.insert(path.clone());
            } else if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
                name.0.clone_into(&mut path);
                example.tables.insert(path.clone());
            } else if line.starts_with(|c: char| c.is_ascii_alphabetic()) {
                example.line(&path, line);
            }
        }
        example
    }

    fn line(&mut self, path: &str, line: &str) {
        let table: Table = line.parse().unwrap_or_else(|why| panic!("{line}: {why}"));
        let about = about(line);
        for (key, value) in table {
            self.take(&format!("{path}.{key}"), value, about);
        }
    }

    fn take(&mut self, path: &str, value: Value, about: &str) {
        let inner = match &value {
            Value::Array(items) => items.iter().filter_map(Value::as_table).cloned().collect(),
            Value::Table(table) => vec![table.clone()],
            _ => Vec::new(),
        };
        if value.is_array() && !inner.is_empty() {
            self.lists.insert(path.to_owned());
        }
        // The first one is the one that is explained.
        self.settings.entry(path.to_owned()).or_insert_with(|| Setting { value, about: about.to_owned() });
        for (key, value) in inner.into_iter().flatten() {
            self.take(&format!("{path}.{key}"), value, "");
        }
    }

    /// As it is shown, else as the same is shown elsewhere.
    pub(super) fn setting(&self, path: &str) -> Option<&Setting> {
        self.settings.get(path).or_else(|| self.settings.get(&elsewhere(path)))
    }

    pub(super) fn has(&self, path: &str) -> bool {
        let table = |path: &str| self.tables.iter().any(|table| within(table, path));
        self.setting(path).is_some() || table(path) || table(&elsewhere(path))
    }

    pub(super) fn is_list(&self, path: &str) -> bool {
        self.lists.contains(path)
    }
}

/// Where else the same is shown: in the other kind of rule, for the model instead of its target, as a default.
fn elsewhere(path: &str) -> String {
    if let Some(rest) = path.strip_prefix("access.deny.") {
        return format!("access.allow.{rest}");
    }
    path.replacen("access.allow.", "access.deny.", 1).replacen("model.to.", "model.", 1).replacen(
        "model.parameters.overrides.",
        "model.parameters.defaults.",
        1,
    )
}

/// Whether it is `path` itself, or a table in it.
fn within(table: &str, path: &str) -> bool {
    table.strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// What stands behind the value, after a mark outside of any text.
fn about(line: &str) -> &str {
    let mut inside = None;
    for (at, c) in line.char_indices() {
        match (inside, c) {
            (None, '"' | '\'') => inside = Some(c),
            (Some(open), c) if open == c => inside = None,
            (None, '#') => return line[at + 1..].trim(),
            _ => {}
        }
    }
    ""
}
