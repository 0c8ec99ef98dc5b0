//! The PROXY protocol (HAProxy, `proxy-protocol.txt`): a proxy says for whom it connects before anything else is sent.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt};

use self::header::{Step, parse};

mod header;

pub(super) use self::header::Source;

/// Reads the header that `stream` begins with, and no byte of what comes after it.
///
/// # Errors
///
/// When there is none, or not all of it.
pub(super) async fn read(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<Source> {
    let mut read = Vec::new();
    loop {
        let missing = match parse(&read).map_err(|why| io::Error::new(io::ErrorKind::InvalidData, why))? {
            Step::Done(source) => return Ok(source),
            Step::More(missing) => missing,
        };
        let missing = u64::try_from(missing).unwrap_or(u64::MAX);
        // What is wrong shows as soon as it is there: nobody is waited for who speaks something else.
        if (&mut *stream).take(missing).read_buf(&mut read).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
}

#[cfg(test)]
mod tests;
