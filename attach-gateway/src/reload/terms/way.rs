use std::collections::BTreeSet;
use std::fmt;

use toml::Value;

/// In which way a setting loosens.
#[derive(Debug, Clone, Copy)]
pub(super) enum Way {
    /// Each further value lets more through, and none at all lets everything through: whom a rule that allows is for.
    Choice,
    /// Each value that is gone lets more through, but none at all lets nothing through: what a rule that denies is about.
    Aim,
    /// Each value that is gone asks for less.
    Demand,
    /// Each further value lets more through, and none at all nothing.
    Grant,
    /// The more, the looser: a time or a number.
    More,
    /// Looser when it is on.
    On,
    /// Looser when it is off.
    Off,
    /// The strictest first.
    Steps(&'static [&'static str]),
    /// There is no order in it.
    Other,
}

/// What is said of a setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Told {
    Looser,
    Another,
}

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Looser => "is looser",
            Self::Another => "is another",
        })
    }
}

impl Way {
    /// What is to be said of a setting that was one thing and is the other.
    pub(super) fn told(self, was: Option<&Value>, is: Option<&Value>) -> Option<Told> {
        if was == is {
            return None;
        }
        let (old, new) = (texts(was), texts(is));
        let looser = match self {
            Self::Choice => !old.is_empty() && (new.is_empty() || !new.is_subset(&old)),
            Self::Aim => !new.is_empty() && (old.is_empty() || !old.is_subset(&new)),
            Self::Demand => !old.is_subset(&new),
            Self::Grant => !new.is_subset(&old),
            Self::On => is == Some(&Value::Boolean(true)),
            Self::Off => was == Some(&Value::Boolean(true)),
            Self::More => return ordered(amount(was), amount(is)),
            Self::Steps(steps) => return ordered(step(steps, was), step(steps, is)),
            Self::Other => return Some(Told::Another),
        };
        looser.then_some(Told::Looser)
    }
}

/// What cannot be compared, such as with a default, is told as another.
fn ordered<T: PartialOrd>(was: Option<T>, is: Option<T>) -> Option<Told> {
    match was.zip(is).and_then(|(was, is)| is.partial_cmp(&was)) {
        Some(order) => order.is_gt().then_some(Told::Looser),
        None => Some(Told::Another),
    }
}

/// What is in it, however it is written: a word, a list, lists by name.
fn texts(value: Option<&Value>) -> BTreeSet<String> {
    let mut texts = BTreeSet::new();
    if let Some(value) = value {
        collect("", value, &mut texts);
    }
    texts
}

fn collect(at: &str, value: &Value, texts: &mut BTreeSet<String>) {
    match value {
        Value::String(text) => drop(texts.insert(format!("{at}{text}"))),
        Value::Array(items) => items.iter().for_each(|item| collect(at, item, texts)),
        Value::Table(inner) => {
            inner.iter().for_each(|(key, inner)| collect(&format!("{at}{key}:"), inner, texts));
        }
        other => drop(texts.insert(format!("{at}{other:?}"))),
    }
}

/// A number with its unit, where two with different units can be compared; else by itself.
#[derive(Debug, PartialEq)]
struct Amount(f64, String);

impl PartialOrd for Amount {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        if self.1 == other.1 { self.0.partial_cmp(&other.0) } else { None }
    }
}

fn amount(value: Option<&Value>) -> Option<Amount> {
    let text = match value? {
        Value::String(text) => text.clone(),
        Value::Integer(number) => number.to_string(),
        Value::Float(number) => number.to_string(),
        _ => return None,
    };
    let end = text.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let number: f64 = number.parse().ok()?;
    let (factor, unit) = match unit.trim() {
        "ms" => (0.001, "s"),
        "m" => (60.0, "s"),
        "h" => (3_600.0, "s"),
        "d" => (86_400.0, "s"),
        other => (1.0, other),
    };
    Some(Amount(number * factor, unit.to_owned()))
}

fn step(steps: &[&str], value: Option<&Value>) -> Option<usize> {
    let text = value?.as_str()?;
    steps.iter().position(|step| *step == text)
}
