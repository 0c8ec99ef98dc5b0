//! A Merkle tree that only grows (RFC 6962, section 2.1). Its leaves are the hashes of a chain's records.

use crate::chain::Hash;

/// What has to be kept of a tree to go on: the root of each complete subtree, the largest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Tree {
    size: u64,
    peaks: Vec<Hash>,
}

impl Tree {
    /// A tree of `size` leaves, from what [`peaks`](Self::peaks) said of it.
    pub(crate) fn resume(size: u64, peaks: Vec<Hash>) -> Option<Self> {
        (peaks.len() == size.count_ones() as usize).then_some(Self { size, peaks })
    }

    pub(crate) fn push(&mut self, leaf: Hash) {
        let (mut hash, mut pairs) = (leaf, self.size);
        while pairs & 1 == 1
            && let Some(left) = self.peaks.pop()
        {
            hash = Hash::node(left, hash);
            pairs >>= 1;
        }
        self.peaks.push(hash);
        self.size += 1;
    }

    /// Appends a complete subtree of `width` leaves, not more than the smallest there is.
    #[cfg(feature = "checkpoints")]
    pub(crate) fn join(&mut self, width: u64, root: Hash) {
        self.peaks.push(root);
        self.size += width;
    }

    /// The number of leaves.
    pub(crate) fn size(&self) -> u64 {
        self.size
    }

    pub(crate) fn root(&self) -> Hash {
        let mut peaks = self.peaks.iter().rev().copied();
        let smallest = peaks.next().unwrap_or_else(|| Hash::of(&[]));
        peaks.fold(smallest, |right, left| Hash::node(left, right))
    }

    pub(crate) fn peaks(&self) -> &[Hash] {
        &self.peaks
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The definition of RFC 6962, word for word.
    fn by_definition(leaves: &[Hash]) -> Hash {
        match leaves {
            [] => Hash::of(&[]),
            [leaf] => *leaf,
            _ => {
                let k = leaves.len().next_power_of_two() / 2;
                Hash::node(by_definition(&leaves[..k]), by_definition(&leaves[k..]))
            }
        }
    }

    fn grown(leaves: &[Hash]) -> Tree {
        let mut tree = Tree::default();
        leaves.iter().for_each(|&leaf| tree.push(leaf));
        tree
    }

    /// The leaves and roots of Certificate Transparency's own tests (`merkle_tree_test`).
    #[test]
    fn the_roots_are_those_of_certificate_transparency() {
        let leaves: [&[u8]; 8] = [
            b"",
            b"\x00",
            b"\x10",
            b"\x20\x21",
            b"\x30\x31",
            b"\x40\x41\x42\x43",
            b"\x50\x51\x52\x53\x54\x55\x56\x57",
            b"\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f",
        ];
        let roots = [
            "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
            "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
            "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
            "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
            "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
            "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
            "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
        ];
        let mut tree = Tree::default();
        for (leaf, root) in leaves.iter().zip(roots) {
            tree.push(Hash::of(&[&[0], *leaf].concat()));
            assert_eq!(tree.root().to_string(), root);
        }
    }

    #[test]
    fn a_tree_of_any_size_has_the_root_of_the_definition_and_can_be_resumed() {
        let leaves: Vec<_> = (0..130_u8).map(|n| Hash::of(&[n])).collect();
        for size in 0..leaves.len() {
            let tree = grown(&leaves[..size]);
            assert_eq!(tree.root(), by_definition(&leaves[..size]), "{size}");
            let mut resumed = Tree::resume(size as u64, tree.peaks().to_vec()).expect("its own peaks");
            resumed.push(leaves[size]);
            assert_eq!(resumed, grown(&leaves[..=size]), "{size}");
        }
        assert_eq!(Tree::resume(3, vec![Hash::ZERO]), None);
    }
}
