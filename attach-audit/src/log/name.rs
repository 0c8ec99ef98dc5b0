use std::fmt;

use crate::Timestamp;

/// `audit-<node>-<13 digits of ms>-<6 digits>.jsonl`: the chain is `<node>-<ms>`, the last number the segment's.
///
/// In order of names, the files of a node are in the order they were written.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct SegmentName {
    pub(crate) node: Box<str>,
    pub(crate) epoch: u64,
    pub(crate) n: u64,
}

impl SegmentName {
    /// The first segment of a chain begun now, and after `last` whatever the clock says.
    pub(crate) fn first(node: &str, last: Option<&Self>) -> Self {
        let node = clean(node);
        let epoch = Timestamp::now().unix_millis().max(last.map_or(0, |last| last.epoch + 1));
        Self { node: node.into(), epoch, n: 0 }
    }

    /// The same chain's segment `n`.
    pub(crate) fn at(&self, n: u64) -> Self {
        Self { n, ..self.clone() }
    }

    pub(crate) fn parse(file: &str) -> Option<Self> {
        let stem = file.strip_prefix("audit-")?.strip_suffix(".jsonl")?;
        let (rest, n) = stem.rsplit_once('-')?;
        let (node, epoch) = rest.rsplit_once('-')?;
        let name = Self { node: node.into(), epoch: epoch.parse().ok()?, n: n.parse().ok()? };
        let ours = *clean(node) == *node && name.epoch.max(name.n) < LARGEST;
        (ours && name.to_string() == file).then_some(name)
    }

    /// The file beside the segment in which the content that its records refer to is kept.
    pub(crate) fn content(&self) -> String {
        format!("content-{}-{:06}.jsonl", self.chain(), self.n)
    }

    pub(crate) fn chain(&self) -> String {
        format!("{}-{:013}", self.node, self.epoch)
    }
}

impl fmt::Display for SegmentName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "audit-{}-{:06}.jsonl", self.chain(), self.n)
    }
}

/// Numbers above this are nobody's: one more does not overflow.
const LARGEST: u64 = i64::MAX as u64;

/// A node's name with nothing in it that a file name or an unescaped JSON string could not hold.
fn clean(node: &str) -> String {
    let keep = |c: char| if c.is_ascii_alphanumeric() || "._-".contains(c) { c } else { '_' };
    let clean: String = node.chars().map(keep).take(64).collect();
    if clean.is_empty() { "node".into() } else { clean }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_reads_back() {
        let name = SegmentName::first("eu-west/1", None);
        assert_eq!(SegmentName::parse(&name.to_string()), Some(name.clone()));
        assert!(name.chain().starts_with("eu-west_1-"));
        for other in [
            "audit-\u{1b}[2J-0000000000001-000001.jsonl",
            "audit--0000000000001-000001.jsonl",
            "audit-a-18446744073709551615-000001.jsonl",
            "audit-a-0000000000001-18446744073709551615.jsonl",
            "audit-a-1-1.jsonl",
            "audit.lock",
            "audit-x.jsonl",
            "audit-a-0000000000001-000001.jsonl.gz",
        ] {
            assert_eq!(SegmentName::parse(other), None, "{other}");
        }
    }

    #[test]
    fn a_clock_that_went_back_does_not_reorder_chains() {
        let first = SegmentName { node: "n".into(), epoch: u64::MAX >> 8, n: 3 };
        assert!(SegmentName::first("n", Some(&first)) > first);
    }
}
