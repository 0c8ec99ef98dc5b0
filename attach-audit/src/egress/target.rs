use std::fmt;
use std::future::Future;
use std::ops::Range;
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

    /// How much it is sent at once.
    fn limits(&self) -> Limits {
        Limits::default()
    }
}

/// How much is sent at once: whichever limit is reached first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Records.
    pub records: usize,
    /// Bytes of their lines; a batch may have one line more than fits.
    pub bytes: usize,
    /// How long the first record of a batch waits for others.
    pub linger: Duration,
}

/// 500 records, 1 MiB, 200 ms.
impl Default for Limits {
    fn default() -> Self {
        Self { records: 500, bytes: 1 << 20, linger: Duration::from_millis(200) }
    }
}

impl Limits {
    /// Replaces the number of records.
    #[must_use]
    pub fn records(self, records: usize) -> Self {
        Self { records: records.max(1), ..self }
    }

    /// Replaces the number of bytes.
    #[must_use]
    pub fn bytes(self, bytes: usize) -> Self {
        Self { bytes: bytes.max(1), ..self }
    }

    /// Replaces how long a record waits for others, a second at most.
    #[must_use]
    pub fn linger(self, linger: Duration) -> Self {
        Self { linger: linger.min(Duration::from_secs(1)), ..self }
    }
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

    /// Those of its lines that are in `range`, as far as there are such.
    pub(super) fn part(&self, range: Range<usize>) -> Self {
        if range == (0..self.0.len()) {
            return self.clone();
        }
        Self(self.0.get(range).unwrap_or_default().into())
    }
}

/// What became of a batch.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Delivered {
    /// Records that the receiver will never take, by its own word. They are counted, and not sent again.
    pub rejected: u64,
    /// Which of the batch's lines the receiver named as those that it will never take, and why: they are put aside.
    pub refused: Vec<(usize, Box<str>)>,
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
        Self { rejected, refused: Vec::new() }
    }

    /// What became of the first `lines` of the batch.
    pub(super) fn within(self, lines: usize) -> Self {
        Self { refused: self.refused.into_iter().filter(|(at, _)| *at < lines).collect(), ..self }
    }

    /// The same, and all but these lines, for each of which there is a reason.
    #[must_use]
    pub fn without(self, refused: Vec<(usize, Box<str>)>) -> Self {
        Self { refused, ..self }
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
    /// The receiver will not take this batch: it is too large, or something in it is wrong in its eyes. Halves of it are
    /// sent instead, and a single record that is refused again and again is put aside.
    Unacceptable(Box<str>),
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
            Self::Unacceptable(why) => write!(f, "not acceptable: {why}"),
        }
    }
}

impl std::error::Error for SendError {}
