//! Files for this user only, where the platform knows such a thing.

use std::fs::OpenOptions;
#[cfg(feature = "sqlite")]
use std::{fs::DirBuilder, io, path::Path};

/// Options that make a file which nobody else can read.
pub(super) fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.write(true);
    options
}

/// Makes a directory, and those it is in, unless it is there.
#[cfg(feature = "sqlite")]
pub(super) fn make_directory(path: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.recursive(true).create(path)
}

/// Takes a file that others could read from them.
#[cfg(feature = "sqlite")]
pub(super) fn make_private(path: &Path) -> io::Result<()> {
    #[cfg(unix)]
    std::fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
    let _ = path;
    Ok(())
}
