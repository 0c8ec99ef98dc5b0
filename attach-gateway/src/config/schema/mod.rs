//! The JSON Schema of the file, for editors: `docs/attach.schema.json`.
//!
//! Which keys there are comes from where `check` has it, so both refuse the same; of what type they are, and what they
//! mean, from the commented example, which `check` accepts. `UPDATE=1 cargo test schema` writes the schema anew.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use serde_json::{Map, Value as Json, json};

use super::keys::sections;

mod example;
mod types;

use self::example::{Example, Setting};

/// The keys of a secret.
const SECRET: [&str; 3] = ["env", "file", "command"];

/// Whether it is a secret; one that is read again has a `refresh` besides.
fn is_secret(keys: &[&str]) -> bool {
    keys.starts_with(&SECRET)
}

fn docs(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../docs").join(name)
}

/// Known in every rule, so that the refusal can say what is wrong with it.
fn is_refused(path: &str) -> bool {
    ["access.deny.require", "access.deny.allow_keys"].contains(&path)
}

struct Writer {
    sections: BTreeMap<&'static str, &'static [&'static str]>,
    example: Example,
}

impl Writer {
    fn new() -> Self {
        let text = std::fs::read_to_string(docs("attach.example.toml")).expect("the example");
        Self { sections: sections().collect(), example: Example::read(&text) }
    }

    fn schema(&self) -> Json {
        let mut schema = json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "title": "attach.toml, the configuration of attach-gateway",
        });
        let file = self.table("");
        schema.as_object_mut().expect("an object").extend(file.as_object().expect("an object").clone());
        schema
    }

    /// A table in which only these keys may stand.
    fn table(&self, path: &str) -> Json {
        let keys = self.sections.get(path).copied().unwrap_or_default();
        let mut properties = Map::new();
        let mut required = Vec::new();
        for key in keys {
            let full = if path.is_empty() { (*key).to_owned() } else { format!("{path}.{key}") };
            if is_refused(&full) {
                continue;
            }
            let setting = self.example.setting(&full);
            if setting.is_some_and(|setting| setting.about.starts_with("required")) {
                required.push(*key);
            }
            properties.insert((*key).to_owned(), self.property(&full, setting));
        }
        let mut table = json!({"type": "object", "additionalProperties": false});
        if !required.is_empty() {
            table["required"] = json!(required);
        }
        table["properties"] = properties.into();
        table
    }

    fn property(&self, path: &str, setting: Option<&Setting>) -> Json {
        let mut property =
            types::special(path, &|path| self.table(path)).unwrap_or_else(|| self.plain(path, setting));
        if let Some(setting) = setting.filter(|setting| !setting.about.is_empty()) {
            property["description"] = setting.about.clone().into();
        }
        property
    }

    fn plain(&self, path: &str, setting: Option<&Setting>) -> Json {
        match self.sections.get(path) {
            Some(keys) if is_secret(keys) => types::secret(keys.len() > SECRET.len()),
            Some(_) if self.example.is_list(path) => json!({"type": "array", "items": self.table(path)}),
            Some(_) => self.table(path),
            None => {
                let setting = setting.unwrap_or_else(|| panic!("{path} is not in docs/attach.example.toml"));
                types::of(&setting.value, &setting.about)
            }
        }
    }
}

#[test]
fn the_schema_is_what_the_keys_and_the_example_make_of_it() {
    let mut text = serde_json::to_string_pretty(&Writer::new().schema()).expect("JSON");
    text.push('\n');
    let path = docs("attach.schema.json");
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, &text).expect("written");
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(kept == text, "docs/attach.schema.json is not up to date; UPDATE=1 writes it anew");
}

#[test]
fn every_key_is_in_the_example_and_nothing_else_is() {
    let writer = Writer::new();
    let known: BTreeSet<String> = sections()
        .filter(|(_, keys)| !is_secret(keys))
        .flat_map(|(path, keys)| {
            keys.iter().map(move |key| format!("{path}.{key}").trim_start_matches('.').to_owned())
        })
        .filter(|path| !path.starts_with("redact.entities.*") && !is_refused(path))
        // It is written in the place of a value that is shown.
        .filter(|path| path != "revocation.backchannel_logout.client_ids")
        .collect();
    let missing: Vec<_> = known.iter().filter(|path| !writer.example.has(path)).collect();
    assert!(missing.is_empty(), "not in docs/attach.example.toml: {missing:?}");
    let text = example::bare(&writer.example.text, 2);
    super::keys::check(&text.parse().expect("TOML")).expect("known keys");
}

#[test]
fn every_key_is_in_its_chapter_of_the_book() {
    let read = |page: &str| std::fs::read_to_string(docs(page)).expect("a page");
    let book = read("configuration.md");
    // Chapters that send the reader elsewhere for part of their keys.
    let elsewhere = BTreeMap::from([("front_end", read("front-ends.md")), ("access", read("policy.md"))]);
    let between = ['`', ' ', '.', '{', '}', ',', '=', '[', ']'];
    for (path, keys) in sections().filter(|(path, keys)| !path.is_empty() && !is_secret(keys)) {
        let top = if path == "model.price" { "price" } else { path.split('.').next().unwrap_or_default() };
        let begins = |chapter: &&str| {
            chapter.starts_with(&format!("`[{top}]`")) || chapter.starts_with(&format!("`[[{top}]]`"))
        };
        let chapter = book
            .split("\n#### ")
            .find(begins)
            .unwrap_or_else(|| panic!("docs/configuration.md: no chapter [{top}]"));
        let named: BTreeSet<&str> = chapter.split(between).collect();
        let there: BTreeSet<&str> =
            elsewhere.get(top).into_iter().flat_map(|page| page.split(between)).collect();
        let missing: Vec<_> =
            keys.iter().filter(|key| !named.contains(*key) && !there.contains(*key)).collect();
        assert!(missing.is_empty(), "[{path}]: not in its chapter of docs/configuration.md: {missing:?}");
    }
}

#[test]
fn the_example_is_a_configuration_with_and_without_what_is_left_out() {
    let secret = |name: &str| Some(format!("{name}-0123456789abcdef0123456789abcdef"));
    let text = std::fs::read_to_string(docs("attach.example.toml")).expect("the example");
    super::Config::parse(&text, |_| None).expect("as it is");
    let folder = std::env::temp_dir().join(format!("attach-example-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let whole = example::with_files(&example::bare(&text, 1), &folder);
    let read = super::Config::parse(&whole, |name| match name {
        "REDIS_URL" | "QUOTA_REDIS_URL" => Some("redis://localhost".to_owned()),
        "ALERTS_URL" => Some("https://alerts.example.com".to_owned()),
        "PROXY_CREDENTIALS" => Some("gateway:secret".to_owned()),
        "OTLP_HEADERS" | "OTEL_HEADERS" => Some("a=b".to_owned()),
        name => secret(name),
    });
    let _ = std::fs::remove_dir_all(folder);
    read.expect("with every line in force");
}
