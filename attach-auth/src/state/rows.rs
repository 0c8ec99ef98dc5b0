use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::{Change, Expect, Row, Table};

/// Rows by table and key, and the order in which they will be over.
#[derive(Default)]
pub(super) struct Rows {
    tables: BTreeMap<Table, BTreeMap<Arc<str>, Row>>,
    ends: BTreeSet<(u64, Table, Arc<str>)>,
}

impl Rows {
    pub(super) fn get(&self, table: Table, key: &str, now: u64) -> Option<&Row> {
        self.tables.get(&table)?.get(key).filter(|row| !row.is_over(now))
    }

    /// Those of `table` whose keys begin with `prefix`, in the order of their keys.
    pub(super) fn scan<'a>(
        &'a self,
        table: Table,
        prefix: &'a str,
        now: u64,
    ) -> impl Iterator<Item = &'a Row> {
        use std::ops::Bound::{Included, Unbounded};
        let rows = self.tables.get(&table).into_iter();
        rows.flat_map(move |rows| rows.range::<str, _>((Included(prefix), Unbounded)))
            .take_while(move |(key, _)| key.starts_with(prefix))
            .map(|(_, row)| row)
            .filter(move |row| !row.is_over(now))
    }

    /// Those of `table`, the ones that are over included.
    pub(super) fn of(&self, table: Table) -> impl Iterator<Item = &Row> {
        self.tables.get(&table).into_iter().flat_map(BTreeMap::values)
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &Row> {
        self.tables.values().flat_map(BTreeMap::values)
    }

    /// Whether what is there is what `change` expects.
    pub(super) fn meets(&self, change: &Change, now: u64) -> bool {
        let Change::Put(row, expect) = change else { return true };
        expect.is_met(self.get(row.table, &row.key, now).map(|row| &row.value))
    }

    pub(super) fn apply(&mut self, change: &Change) {
        let before = match change {
            Change::Put(row, _) => {
                if let Some(end) = row.expires_at {
                    self.ends.insert((end, row.table, Arc::clone(&row.key)));
                }
                self.tables.entry(row.table).or_default().insert(Arc::clone(&row.key), row.clone())
            }
            Change::Remove(table, key) => self.tables.get_mut(table).and_then(|rows| rows.remove(key)),
        };
        let Some(Row { table, key, expires_at: Some(end), .. }) = before else { return };
        if !matches!(change, Change::Put(row, _) if row.expires_at == Some(end)) {
            self.ends.remove(&(end, table, key));
        }
    }

    /// Removes the rows that are over, and says which.
    pub(super) fn prune(&mut self, now: u64) -> Vec<Change> {
        let mut over = Vec::new();
        while let Some((_, table, key)) = self.ends.first().filter(|(end, ..)| *end <= now).cloned() {
            let change = Change::Remove(table, key);
            self.apply(&change);
            over.push(change);
        }
        over
    }
}

impl FromIterator<Row> for Rows {
    fn from_iter<I: IntoIterator<Item = Row>>(rows: I) -> Self {
        let mut this = Self::default();
        for row in rows {
            this.apply(&Change::Put(row, Expect::Any));
        }
        this
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_that_is_written_again_is_over_when_the_last_one_says() {
        let row = |end| Row::new(Table::ONCE, "nonce", "x").until(end);
        let mut rows: Rows = [row(10), row(20), row(15)].into_iter().collect();
        assert!(rows.prune(14).is_empty());
        assert!(rows.get(Table::ONCE, "nonce", 14).is_some());
        assert_eq!(rows.prune(15), [Change::remove(Table::ONCE, "nonce")]);
        assert_eq!((rows.all().count(), rows.ends.len()), (0, 0));
    }

    #[test]
    fn a_row_that_stays_now_is_not_removed_when_the_one_before_it_would_have_been() {
        let mut rows: Rows = [Row::new(Table::KEYS, "k", "1").until(10), Row::new(Table::KEYS, "k", "2")]
            .into_iter()
            .collect();
        assert!(rows.prune(u64::MAX).is_empty());
        assert!(rows.get(Table::KEYS, "k", 11).is_some());
    }

    #[test]
    fn a_scan_stays_in_its_table_and_under_its_prefix() {
        let row = |table, key: &str| Row::new(table, key, "");
        let rows: Rows = [
            row(Table::FACTS, "b"),
            row(Table::FACTS, "ba").until(5),
            row(Table::FACTS, "bb"),
            row(Table::FACTS, "c"),
            row(Table::KEYS, "b"),
        ]
        .into_iter()
        .collect();
        let keys = |prefix, now| -> Vec<String> {
            rows.scan(Table::FACTS, prefix, now).map(|row| row.key.to_string()).collect()
        };
        assert_eq!(keys("b", 4), ["b", "ba", "bb"]);
        assert_eq!(keys("b", 5), ["b", "bb"]);
        assert_eq!(keys("", 5), ["b", "bb", "c"]);
    }
}
