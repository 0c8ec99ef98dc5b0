use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// What is wrong with a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// Its bytes are not those that were hashed.
    Changed,
    /// It, and those up to and with `through`, are gone.
    Missing {
        /// The last one missing.
        through: u64,
    },
    /// It is in the log, but only after a record with a higher number, `before`.
    Reordered {
        /// The record in its place.
        before: u64,
    },
    /// It is there twice.
    Duplicated,
    /// There is another record with its number.
    Inserted,
    /// It does not continue the record before it.
    Unlinked,
    /// It belongs to another chain.
    Foreign,
    /// It is continued twice: by this segment, and by another or by itself in another copy.
    Forked,
    /// It, or one of those up to and with `through`, is not the one that a checkpoint was made over. Those before it
    /// are, as far as an earlier checkpoint says so.
    Rewritten {
        /// The last one that it may be.
        through: u64,
    },
    /// It is no checkpoint of this chain, or says two things.
    BadCheckpoint,
    /// It is a checkpoint that none of the keys given has signed.
    WrongKey,
    /// It is a checkpoint whose signature does not fit.
    BadSignature,
    /// Keys were given, but no checkpoint of its chain, which is the last of its node, is signed.
    Unsigned,
    /// It is not here, nor anything before it, and no record that is here says that
    /// [`retention`](crate::retention) deleted it. Where only a part of a log was collected, or it was deleted by hand,
    /// that is so too, so it is a warning.
    Unexplained,
    /// Its time is before that of the record before it. A clock that was set does that too, so it is a warning.
    ClockBack {
        /// By how many seconds.
        seconds: u64,
    },
}

/// Where something is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Finding {
    /// The file.
    pub file: PathBuf,
    /// The line in it, from 1; 0 if it is about none.
    pub line: u64,
    /// The chain.
    pub chain: String,
    /// The record's sequence number.
    pub seq: u64,
    /// What is wrong with it.
    pub fault: Fault,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, line, chain, seq, fault } = self;
        f.write_str(&file.display().to_string())?;
        if *line > 0 {
            write!(f, " line {line}")?;
        }
        write!(f, ": record {seq} of chain {chain} ")?;
        match fault {
            Fault::Changed => f.write_str("was changed: its bytes do not fit its hash"),
            Fault::Missing { through } if through == seq => f.write_str("is missing"),
            Fault::Missing { through } => write!(f, "is missing, and so are all up to {through}"),
            Fault::Reordered { before } => write!(f, "comes only after record {before}"),
            Fault::Duplicated => f.write_str("is there twice"),
            Fault::Inserted => {
                f.write_str("is not the only one with this number: one of the two was inserted")
            }
            Fault::Unlinked => {
                f.write_str("does not continue the record before it: one of the two was replaced")
            }
            Fault::Foreign => f.write_str("is taken by a record of another chain"),
            Fault::Forked => {
                f.write_str("is continued twice: one of the two goes on with what was not written then")
            }
            Fault::Rewritten { through } if through == seq => {
                f.write_str("is not the one that the checkpoint was made over")
            }
            Fault::Rewritten { through } => {
                write!(f, "or one of those up to {through} is not the one that the checkpoint was made over")
            }
            Fault::BadCheckpoint => f.write_str("is no checkpoint of this chain, or says two things"),
            Fault::WrongKey => f.write_str("is a checkpoint that none of the keys given has signed"),
            Fault::BadSignature => f.write_str("is a checkpoint whose signature does not fit"),
            Fault::Unsigned => {
                f.write_str("begins a chain without any signed checkpoint, though a key was given")
            }
            Fault::Unexplained => {
                f.write_str("and those before it are not here, and no record says that they were deleted")
            }
            Fault::ClockBack { seconds } => {
                write!(f, "is from {seconds} s before the record before it: the clock went back")
            }
        }
    }
}

/// Why a log could not be verified.
#[derive(Debug)]
#[non_exhaustive]
pub enum VerifyError {
    /// Something is wrong with it.
    Tampered(Finding),
    /// There is no segment in the directory.
    Empty(PathBuf),
    /// It could not be read.
    Io(PathBuf, io::Error),
}

impl VerifyError {
    pub(crate) fn io(path: &Path, error: io::Error) -> Self {
        Self::Io(path.to_owned(), error)
    }

    /// What is wrong, if the log could be read.
    #[must_use]
    pub fn finding(&self) -> Option<&Finding> {
        match self {
            Self::Tampered(finding) => Some(finding),
            Self::Empty(_) | Self::Io(..) => None,
        }
    }
}

impl fmt::Display for VerifyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tampered(finding) => finding.fmt(f),
            Self::Empty(path) => write!(f, "{} has no audit segment", path.display()),
            Self::Io(path, error) => write!(f, "{}: {error}", path.display()),
        }
    }
}

impl std::error::Error for VerifyError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io(_, error) => Some(error),
            Self::Tampered(_) | Self::Empty(_) => None,
        }
    }
}
