use std::io;

use rusqlite::{Error, ErrorCode};

/// As [`io::ErrorKind::InvalidData`] if building the index again would help.
pub(super) fn sqlite(error: Error) -> io::Error {
    let elsewhere = matches!(
        error.sqlite_error_code(),
        Some(
            ErrorCode::CannotOpen
                | ErrorCode::DatabaseBusy
                | ErrorCode::DatabaseLocked
                | ErrorCode::DiskFull
                | ErrorCode::OutOfMemory
                | ErrorCode::PermissionDenied
                | ErrorCode::ReadOnly
                | ErrorCode::SystemIoFailure
                | ErrorCode::TooBig
        )
    );
    io::Error::new(if elsewhere { io::ErrorKind::Other } else { io::ErrorKind::InvalidData }, error)
}

/// The index does not fit the log any more.
pub(super) fn stale(why: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why)
}

/// Whether building the index again would help.
pub(super) fn is_damage(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::InvalidData
}
