use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use crate::log::Line;

/// Where records are sent.
pub trait Target: fmt::Debug + Send + Sync + 'static {
    /// Its name in the configuration, in metrics and in the name of its cursor: unique, and stable over restarts.
    fn name(&self) -> &str;

    /// Sends a batch and waits until the receiver has taken it.
    fn send(&self, batch: Batch) -> SendFuture;
}

/// A future of [`Target::send`].
pub type SendFuture = Pin<Box<dyn Future<Output = Result<Delivered, SendError>> + Send>>;

/// Records in order; cheap to clone.
#[derive(Debug, Clone)]
pub struct Batch(Arc<[Line]>);

impl Batch {
    /// A batch of these lines.
    #[must_use]
    pub fn new(lines: Vec<Line>) -> Self {
        Self(lines.into())
    }

    /// The lines.
    #[must_use]
    pub fn lines(&self) -> &[Line] {
        &self.0
    }
}

/// What became of a batch.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Delivered {
    /// Records that the receiver will never take, by its own word. They are counted, and not sent again.
    pub rejected: u64,
}

impl Delivered {
    /// All of it was taken.
    #[must_use]
    pub fn all() -> Self {
        Self::default()
    }

    /// All but these.
    #[must_use]
    pub fn all_but(rejected: u64) -> Self {
        Self { rejected }
    }
}

/// Why a batch was not delivered; it is sent again.
///
/// The texts hold no credential and no record.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum SendError {
    /// The receiver cannot be reached, or cannot take it now; `after` is its own word on when it can.
    Unavailable {
        /// What went wrong.
        why: Box<str>,
        /// Not before.
        after: Option<Duration>,
    },
    /// The receiver refuses: a wrong credential, a wrong address. Tried again too, for somebody may put it right.
    Refused(Box<str>),
}

impl SendError {
    /// The receiver cannot be reached, or cannot take it now.
    #[must_use]
    pub fn unavailable(why: impl Into<Box<str>>) -> Self {
        Self::Unavailable { why: why.into(), after: None }
    }
}

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unavailable { why, .. } => write!(f, "not delivered: {why}"),
            Self::Refused(why) => write!(f, "refused: {why}"),
        }
    }
}

impl std::error::Error for SendError {}
