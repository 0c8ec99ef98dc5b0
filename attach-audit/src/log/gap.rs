use crate::record::Fold;
use crate::{Kind, Record, Timestamp};

/// Says that `n` records were refused or lost between `first` and now.
pub(super) fn gap(n: u64, first: Timestamp, reason: &'static str) -> Record<'static> {
    Record::system(Kind::Gap, |gap| {
        gap.fold = Some(Fold { n, first, last: Timestamp::now() });
        gap.decision.result = "error";
        gap.decision.reason = Some(reason);
    })
}
