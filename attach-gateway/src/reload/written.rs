//! What stands where in a file, as it is written.

use toml::{Table, Value};

/// What stands at a dotted path.
pub(super) fn get<'t>(table: &'t Table, path: &str) -> Option<&'t Value> {
    let mut keys = path.split('.');
    let first = table.get(keys.next()?)?;
    keys.try_fold(first, |value, key| value.get(key))
}

/// The tables of a list; a table alone is a list of one.
pub(super) fn entries<'t>(table: &'t Table, path: &str) -> impl Iterator<Item = &'t Table> {
    let items = match get(table, path) {
        Some(Value::Array(items)) => items.as_slice(),
        Some(one) => std::slice::from_ref(one),
        None => &[],
    };
    items.iter().filter_map(Value::as_table)
}
