use std::ops::Range;

use crate::chain::Hash;
use crate::tree::Tree;

/// The subtrees beside the way from a leaf to the root, nearest first: `PATH(m, D[n])` of RFC 6962, section 2.1.1.
/// Empty if there is no such leaf.
pub(super) fn beside(leaf: u64, size: u64) -> Vec<Range<u64>> {
    let mut ranges = Vec::new();
    let (mut begin, mut end) = (0, size);
    while leaf < end && end - begin > 1 {
        let middle = begin + (end - begin).next_power_of_two() / 2;
        let (way, other) =
            if leaf < middle { (begin..middle, middle..end) } else { (middle..end, begin..middle) };
        ranges.push(other);
        (begin, end) = (way.start, way.end);
    }
    ranges.reverse();
    ranges
}

/// The root of the tree of `size` leaves in which `hash` is leaf number `leaf`, by its path.
pub(super) fn root(leaf: u64, size: u64, hash: Hash, path: &[Hash]) -> Option<Hash> {
    let beside = beside(leaf, size);
    if leaf >= size || beside.len() != path.len() {
        return None;
    }
    let join = |hash, (range, &other): (&Range<u64>, &Hash)| {
        if range.start > leaf { Hash::node(hash, other) } else { Hash::node(other, hash) }
    };
    Some(beside.iter().zip(path).fold(hash, join))
}

/// Builds a leaf's path while the leaves pass by, in order.
#[derive(Debug)]
pub(crate) struct Siblings(Vec<(Range<u64>, Tree)>);

impl Siblings {
    pub(crate) fn new(leaf: u64, size: u64) -> Self {
        Self(beside(leaf, size).into_iter().map(|range| (range, Tree::default())).collect())
    }

    /// What is known of the leaves before the first that will pass by.
    pub(crate) fn resume(&mut self, before: &Tree) {
        let mut start = 0;
        for (bit, &peak) in
            (0..u64::BITS).rev().filter(|bit| before.size() >> bit & 1 == 1).zip(before.peaks())
        {
            let width = 1 << bit;
            for (range, tree) in &mut self.0 {
                // The leaf itself is not among them, so a complete subtree lies in one range or in none.
                if range.start <= start && start + width <= range.end {
                    tree.join(width, peak);
                }
            }
            start += width;
        }
    }

    pub(crate) fn pass(&mut self, leaf: u64, hash: Hash) {
        if let Some((_, tree)) = self.0.iter_mut().find(|(range, _)| range.contains(&leaf)) {
            tree.push(hash);
        }
    }

    /// The path, if all leaves have passed by.
    pub(crate) fn path(&self) -> Option<Vec<Hash>> {
        let whole = self.0.iter().all(|(range, tree)| tree.size() == range.end - range.start);
        whole.then(|| self.0.iter().map(|(_, tree)| tree.root()).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_leaf_of_every_tree_has_a_path_to_the_root_whatever_came_before() {
        let leaves: Vec<_> = (0..40_u8).map(|n| Hash::of(&[n])).collect();
        let grown = |size: usize| {
            let mut tree = Tree::default();
            leaves[..size].iter().for_each(|&leaf| tree.push(leaf));
            tree
        };
        for size in 1..=leaves.len() {
            let expected = grown(size).root();
            for leaf in 0..size {
                for known in 0..=leaf {
                    let mut siblings = Siblings::new(leaf as u64, size as u64);
                    siblings.resume(&grown(known));
                    (known..size).for_each(|at| siblings.pass(at as u64, leaves[at]));
                    let path = siblings.path().expect("all have passed by");
                    let (leaf, size) = (leaf as u64, size as u64);
                    let found = root(leaf, size, leaves[leaf as usize], &path);
                    assert_eq!(found, Some(expected), "{leaf} of {size}, {known} known");
                }
            }
        }
    }

    #[test]
    fn a_path_is_for_one_leaf_of_one_tree() {
        let leaves: Vec<_> = (0..8_u8).map(|n| Hash::of(&[n])).collect();
        let mut siblings = Siblings::new(3, 8);
        assert_eq!(siblings.path(), None);
        leaves.iter().enumerate().for_each(|(at, &leaf)| siblings.pass(at as u64, leaf));
        let path = siblings.path().expect("whole");
        let right = root(3, 8, leaves[3], &path);
        assert!(right.is_some());
        for (leaf, size, hash, path) in [
            (2, 8, leaves[3], &path[..]),
            (3, 7, leaves[3], &path[..2]),
            (3, 8, leaves[2], &path[..]),
            (8, 8, leaves[3], &path[..]),
            (3, 8, leaves[3], &path[1..]),
            (0, 0, leaves[3], &[]),
        ] {
            assert_ne!(root(leaf, size, hash, path), right, "{leaf} of {size}");
        }
        assert_eq!(root(0, 1, leaves[0], &[]), Some(leaves[0]));
    }
}
