//! Files for this user only, where the platform knows such a thing.

use std::fs::OpenOptions;

/// For writing a file that, where it is made, nobody else can read.
pub(crate) fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}
