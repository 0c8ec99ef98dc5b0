//! The schema of the configuration takes what `check` takes, and refuses what `check` does not know.

use serde_json::Value;
use toml::Table;

use crate::support::{Launch, schema};

fn docs(name: &str) -> String {
    std::fs::read_to_string(format!("{}/../docs/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

/// A file as an editor sees it.
fn json(text: &str) -> Value {
    let table: Table = text.parse().unwrap_or_else(|why| panic!("{why}: {text}"));
    plain(&table.into())
}

fn plain(value: &toml::Value) -> Value {
    match value {
        toml::Value::Table(table) => table
            .iter()
            .map(|(key, value)| (key.clone(), plain(value)))
            .collect::<serde_json::Map<_, _>>()
            .into(),
        toml::Value::Array(items) => items.iter().map(plain).collect(),
        toml::Value::Datetime(moment) => moment.to_string().into(),
        other => serde_json::to_value(other).unwrap(),
    }
}

fn held(text: &str) -> Result<(), String> {
    let schema: Value = serde_json::from_str(&docs("attach.schema.json")).unwrap();
    schema::check(&schema, &json(text), "attach.toml")
}

/// Every setting of the commented example in force.
fn whole() -> String {
    let example = docs("attach.example.toml");
    let line = |line: &str| match line.strip_prefix('#') {
        Some(rest) if rest.starts_with(|c: char| c.is_ascii_alphabetic() || c == '[') => format!("{rest}\n"),
        _ => format!("{line}\n"),
    };
    example.lines().map(line).collect()
}

/// The first three keys of a piece have to be in a file, not in every piece of a page.
const REQUIRED: &str = "lacks";

#[test]
fn every_example_is_taken() {
    held(&docs("attach.example.toml")).unwrap();
    held(&whole()).unwrap();
    let mut pieces = 0;
    for file in std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs")).unwrap() {
        let path = file.unwrap().path();
        if path.extension().is_none_or(|kind| kind != "md") {
            continue;
        }
        let page = std::fs::read_to_string(&path).unwrap();
        for piece in page.split("```toml\n").skip(1).map(|rest| rest.split("```").next().unwrap()) {
            // Pages show files of other programs as well, and cases of `policy test`; a piece may begin inside of a table.
            let Ok(table) = piece.parse::<Table>() else { continue };
            let inside = !piece.trim_start().starts_with(['[', '#']);
            if inside || table.contains_key("dependencies") || table.contains_key("case") {
                continue;
            }
            if let Err(why) = held(piece) {
                assert!(why.contains(REQUIRED), "{}: {why}", path.display());
            }
            pieces += 1;
        }
    }
    assert!(pieces > 30, "{pieces}");
}

#[test]
fn values_of_another_kind_are_refused() {
    for piece in [
        "[server]\nmax_body = 5",
        "[server]\ndrain = \"soon\"",
        "[server]\nmax_in_flight = -1",
        "[[upstream]]\nname = \"a\"\nurl = \"http://a\"\nkind = \"gopher\"",
        "[redact]\nkey = \"secret\"",
        "[redact]\nkey = { env = \"A\", file = \"b\" }",
        "[audit]\nkeep = { age = \"long\" }",
        "[access]\nallow = [{ id = \"a\", kind = \"robot\" }]",
    ] {
        assert!(held(piece).is_err(), "{piece}");
    }
}

/// The paths of all tables of the example, each where its name stands.
fn headers(text: &str) -> Vec<usize> {
    let lines = text.lines().enumerate();
    lines.filter(|(_, line)| line.starts_with('[')).map(|(at, _)| at).collect()
}

#[tokio::test]
async fn what_check_does_not_know_the_schema_does_not_know_either() {
    let text = whole();
    let headers = headers(&text);
    assert!(headers.len() > 25, "{headers:?}");
    let free = |line: &str| line.starts_with("[redact.entities]");
    for at in headers {
        let mut lines: Vec<&str> = text.lines().collect();
        if free(lines[at]) {
            continue;
        }
        lines.insert(at + 1, "no_such_key = 1");
        let file = lines.join("\n");
        let refused = held(&file).expect_err(lines[at]);
        // Of what may be a word or a table, no way fits.
        let told = refused.contains("unknown member no_such_key")
            || (refused.contains("no_such_key") && refused.contains("which is none of"));
        assert!(told, "{}: {refused}", lines[at]);
        let checked = Launch::file(&file).check().await;
        assert!(
            checked.code == Some(1) && checked.stderr.contains("no_such_key: unknown setting"),
            "{}: {checked:?}",
            lines[at]
        );
    }
}

#[tokio::test]
async fn the_commented_example_is_a_configuration() {
    let text = docs("attach.example.toml");
    assert!(text.starts_with("#:schema ./attach.schema.json\n"));
    let checked = Launch::file(&text).check().await;
    assert!(checked.ok && checked.stdout.contains("upstream local: ollama"), "{checked:?}");
    assert!(!checked.stdout.contains("warning"), "{checked:?}");
}
