//! The terms that entries of the file lay down, one by one: which way each loosens.
//!
//! They are compared as they are written, so nothing that has an order in the file is told when it became stricter. What has
//! none is told as another: an auditor looks.

use toml::{Table, Value};

use super::written::{entries, get};

mod every;
mod way;

use self::every::{NEW, OF_ENTRIES, OF_SECTIONS};
use self::way::{Told, Way};

/// A setting, and the way in which it loosens.
type Term = (&'static str, Way);

/// Each term that is looser or another, in words, and each entry that lets somebody in and is new.
pub(super) fn found(before: &Table, now: &Table) -> Vec<String> {
    let mut found = Vec::new();
    for (section, terms) in OF_SECTIONS {
        let at = |key: &str| if section.is_empty() { key.to_owned() } else { format!("{section}.{key}") };
        for (key, way) in *terms {
            let path = at(key);
            let told = way.told(get(before, &path), get(now, &path));
            found.extend(told.map(|told| format!("{path} {told}")));
        }
    }
    for (list, name, terms) in OF_ENTRIES {
        for is in entries(now, list) {
            let Some(was) = entries(before, list).find(|was| named(was, name) == named(is, name)) else {
                continue;
            };
            let which = named(is, name);
            found.extend(of(was, is, terms).map(|told| format!("{list} {which:?}: {told}")));
        }
    }
    for (list, name) in NEW {
        let known = |is: &Table| entries(before, list).any(|was| named(was, name) == named(is, name));
        let new = entries(now, list).filter(|is| !known(is));
        found.extend(new.map(|is| format!("{list} {:?} is new", named(is, name))));
    }
    found
}

fn of(was: &Table, is: &Table, terms: &'static [Term]) -> impl Iterator<Item = String> {
    let told: Vec<(&str, Told)> =
        terms.iter().filter_map(|(key, way)| Some((*key, way.told(get(was, key), get(is, key))?))).collect();
    told.into_iter().map(|(key, told)| format!("{key} {told}"))
}

/// What an entry goes by.
fn named<'t>(entry: &'t Table, name: &str) -> &'t str {
    entry.get(name).and_then(Value::as_str).unwrap_or_default()
}

#[cfg(test)]
mod tests;
