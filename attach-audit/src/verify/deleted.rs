//! What is not here any more, and whether what is here says that it was deleted.

use std::path::PathBuf;

use serde::Deserialize;

use super::{Fault, Finding, Report};
use crate::chain::Hash;
use crate::log::SegmentName;
use crate::record::After;

/// The action of the record that [`retention`](crate::retention) writes before it deletes.
pub(crate) const DELETES: &str = "retention.delete";

/// A record that says that a segment is deleted.
#[derive(Debug)]
pub(super) struct Deletion {
    segment: SegmentName,
    last: Option<Hash>,
    because: Box<str>,
    /// Where it says so.
    chain: Box<str>,
    seq: u64,
}

impl Deletion {
    /// `None` if the line, an `admin` record of `chain`, says something else.
    pub(super) fn read(line: &[u8], (chain, seq): (&str, u64)) -> Option<Self> {
        #[derive(Deserialize)]
        struct Members {
            decision: Decision,
            custom: Custom,
        }
        #[derive(Deserialize)]
        struct Decision {
            reason: Box<str>,
        }
        #[derive(Deserialize)]
        struct Custom {
            target: Box<str>,
            last_hash: Option<Hash>,
            #[serde(default)]
            because: Box<str>,
        }
        let Members { decision, custom } = serde_json::from_slice(line).ok()?;
        let segment = SegmentName::parse(&custom.target).filter(|_| *decision.reason == *DELETES)?;
        let Custom { last_hash: last, because, .. } = custom;
        Some(Self { segment, last, because, chain: chain.into(), seq })
    }

    fn explains(&self, after: &After) -> bool {
        let ends = self.last.is_none_or(|last| last == after.hash);
        self.segment.chain() == *after.chain && self.segment.n == after.segment && ends
    }
}

/// A segment that continues one that is not here.
#[derive(Debug)]
pub(super) struct Beginning {
    pub(super) file: PathBuf,
    pub(super) after: After,
}

impl Beginning {
    /// Notes who deleted what it continues; warns if nobody did who says so.
    pub(super) fn explain(self, deletions: &[Deletion], report: &mut Report) {
        let After { chain, segment, seq, .. } = &self.after;
        let name = self.file.file_name().unwrap_or_default().to_string_lossy();
        let continues = format!("{name} continues chain {chain} from segment {segment}, record {seq}");
        if let Some(by) = deletions.iter().find(|deletion| deletion.explains(&self.after)) {
            let Deletion { because, chain, seq, .. } = by;
            report.notes.push(format!(
                "{continues}, which retention deleted because of its {because}: record {seq} of chain {chain} says so"
            ));
            return;
        }
        report.notes.push(format!("{continues}, which is not here"));
        let (chain, seq) = (chain.to_string(), *seq);
        report.warnings.push(Finding { file: self.file, line: 1, chain, seq, fault: Fault::Unexplained });
    }
}
