//! Settings of the wrong kind, such as a number instead of a text, said in a sentence that names the limit.

use toml::{Table, Value};

use crate::config::ConfigError;
use crate::config::decimal::shown;

/// What a setting is written as. Numbers are no matter of this: whoever reads them says what is wrong.
#[derive(Clone, Copy)]
enum Kind {
    Text,
    Texts,
    Flag,
    /// With an example.
    Table(&'static str),
    Tables(&'static str),
}

use Kind::{Flag, Text, Texts};

const QUOTA: &[(&str, Kind)] = &[
    ("id", Text),
    ("each", Text),
    ("shared", Flag),
    ("fair", Flag),
    ("groups", Texts),
    ("users", Texts),
    ("client_ids", Texts),
    ("kind", Text),
    ("models", Texts),
    ("apis", Texts),
    ("upstreams", Texts),
    ("weights", Kind::Table("{ output = 4 }")),
    ("timezone", Text),
    ("action", Text),
    ("when_store_down", Text),
    ("unpriced", Text),
    ("override", Kind::Tables("[[quota.override]]")),
];

const OVERRIDE: &[(&str, Kind)] = &[("user", Text), ("group", Text), ("directory", Text)];

const PRICE: &[(&str, Kind)] = &[("models", Texts), ("upstream", Text)];

const MODEL: &[(&str, Kind)] = &[("price", Kind::Table("{ input = 2.5, output = 10 }"))];

/// Refuses what is of the wrong kind in limits and prices.
pub(in crate::config) fn check(file: &Table) -> Result<(), ConfigError> {
    check_all("", file, &[("quota", Kind::Tables("[[quota]]")), ("price", Kind::Tables("[[price]]"))])?;
    for (number, quota) in tables(file, "quota").enumerate() {
        let at = match quota.get("id").and_then(Value::as_str) {
            Some(id) => format!("quota {id:?}: "),
            None => format!("quota number {}: ", number + 1),
        };
        check_all(&at, quota, QUOTA)?;
        for (number, one) in tables(quota, "override").enumerate() {
            check_all(&format!("{at}override {}: ", number + 1), one, OVERRIDE)?;
        }
    }
    for (number, price) in tables(file, "price").enumerate() {
        check_all(&format!("price number {}: ", number + 1), price, PRICE)?;
    }
    for model in tables(file, "model") {
        let name = model.get("name").and_then(Value::as_str).unwrap_or_default();
        check_all(&format!("model {name:?}: "), model, MODEL)?;
    }
    Ok(())
}

fn tables<'a>(table: &'a Table, key: &str) -> impl Iterator<Item = &'a Table> {
    table.get(key).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_table)
}

fn check_all(at: &str, table: &Table, kinds: &[(&str, Kind)]) -> Result<(), ConfigError> {
    let written = kinds.iter().filter_map(|(key, kind)| Some((key, kind, table.get(*key)?)));
    for (key, kind, value) in written {
        if let Some(why) = kind.fault(value) {
            return Err(ConfigError::new(format!("{at}{key}: {why}")));
        }
    }
    Ok(())
}

impl Kind {
    fn fault(self, value: &Value) -> Option<String> {
        let texts = |items: &Vec<Value>| items.iter().all(Value::is_str);
        let (fits, wanted) = match self {
            Self::Text => (value.is_str(), "is not a text; write it in quotes".to_owned()),
            Self::Texts => {
                let fits = value.is_str() || value.as_array().is_some_and(texts);
                (fits, "is neither a text nor a list of texts, such as [\"one\", \"two\"]".to_owned())
            }
            Self::Flag => (value.is_bool(), "is neither true nor false".to_owned()),
            Self::Table(example) => (value.is_table(), format!("is not a table such as {example}")),
            Self::Tables(header) => {
                let fits = value.as_array().is_some_and(|items| items.iter().all(Value::is_table));
                (fits, format!("is not a list of tables; write each below {header}, in double brackets"))
            }
        };
        (!fits).then(|| format!("{} {wanted}", shown(value)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_of_the_wrong_kind_is_named_with_its_limit() {
        for (written, said) in [
            ("[[quota]]\nid = \"x\"\neach = 5", "quota \"x\": each: 5 is not a text; write it in quotes"),
            ("[[quota]]\nid = 5", "quota number 1: id: 5 is not a text"),
            (
                "[[quota]]\nid = \"x\"\nshared = \"yes\"",
                "quota \"x\": shared: \"yes\" is neither true nor false",
            ),
            ("[[quota]]\nid = \"x\"\nmodels = 5", "quota \"x\": models: 5 is neither a text nor a list"),
            (
                "[[quota]]\nid = \"x\"\nmodels = [5]",
                "quota \"x\": models: a list is neither a text nor a list of texts",
            ),
            ("[[quota]]\nid = \"x\"\nweights = 3", "weights: 3 is not a table such as { output = 4 }"),
            ("[[quota]]\nid = \"x\"\n[quota.override]\nuser = \"a\"", "in double brackets"),
            (
                "[[quota]]\nid = \"x\"\n[[quota.override]]\nuser = 5",
                "quota \"x\": override 1: user: 5 is not a text",
            ),
            ("[quota]\nid = \"x\"", "quota: a table is not a list of tables; write each below [[quota]]"),
            ("[price]\ninput = 1", "write each below [[price]]"),
            ("[[price]]\nmodels = 5", "price number 1: models: 5 is neither"),
            (
                "[[model]]\nname = \"m\"\nprice = 2.5",
                "model \"m\": price: 2.5 is not a table such as { input = 2.5",
            ),
        ] {
            let error = check(&written.parse().expect("TOML")).expect_err(written).to_string();
            assert!(error.contains(said) && !error.contains('\n'), "{written}: {error}");
        }
    }
}
