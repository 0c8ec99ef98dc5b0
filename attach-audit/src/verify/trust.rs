use std::path::PathBuf;

use super::VerifyError;
use crate::chain::Hash;

#[cfg(not(feature = "checkpoints"))]
use self::unsigned as how;
#[cfg(feature = "checkpoints")]
use super::signed as how;

/// What a log is held against: who may sign checkpoints, and checkpoints known from elsewhere.
///
/// With neither, a log is held against itself only.
#[derive(Debug, Clone, Default)]
pub struct Trust {
    pub(super) how: how::Held,
}

/// A checkpoint that is known from elsewhere.
#[derive(Debug, Clone)]
#[cfg_attr(not(feature = "checkpoints"), allow(dead_code, reason = "there are none without the feature"))]
pub(super) struct Known {
    pub(super) chain: Box<str>,
    pub(super) size: u64,
    pub(super) root: Hash,
    /// Who has signed it, if that was checked.
    pub(super) by: Option<Box<str>>,
    /// Where it was read.
    pub(super) file: PathBuf,
}

impl Known {
    /// That it could not be held against anything.
    pub(super) fn not_here(&self) -> String {
        let Self { chain, size, .. } = self;
        format!("the checkpoint over {size} records of chain {chain} is about records that are not here")
    }
}

impl Trust {
    /// Nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The checkpoints from elsewhere, in order of chains and sizes.
    pub(super) fn known(&self) -> Result<Vec<Known>, VerifyError> {
        let mut known = self.how.known()?;
        known.sort_by(|a, b| (&a.chain, a.size).cmp(&(&b.chain, b.size)));
        Ok(known)
    }
}

#[cfg(not(feature = "checkpoints"))]
mod unsigned {
    use super::{Known, VerifyError};
    use crate::record::Checkpoint;
    use crate::verify::Fault;

    #[derive(Debug, Clone, Default)]
    pub(in crate::verify) struct Held;

    impl Held {
        pub(super) fn known(&self) -> Result<Vec<Known>, VerifyError> {
            Ok(Vec::new())
        }

        pub(in crate::verify) fn has_keys(&self) -> bool {
            false
        }

        pub(in crate::verify) fn judge(
            &self,
            _: &str,
            _: &Checkpoint<'_>,
        ) -> Result<Option<Box<str>>, Fault> {
            Ok(None)
        }
    }
}
