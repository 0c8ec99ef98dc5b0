use std::collections::BTreeSet;

use zeroize::Zeroize;

/// The names that were found in a request; wiped when dropped.
#[derive(Default)]
pub(super) struct Names(BTreeSet<String>);

impl Names {
    /// Takes down a name; gives whether it is new.
    pub(super) fn add(&mut self, mut name: String) -> bool {
        if self.0.contains(&name) {
            name.zeroize();
            return false;
        }
        self.0.insert(name)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &String> {
        self.0.iter()
    }
}

impl Drop for Names {
    fn drop(&mut self) {
        while let Some(mut name) = self.0.pop_first() {
            name.zeroize();
        }
    }
}
