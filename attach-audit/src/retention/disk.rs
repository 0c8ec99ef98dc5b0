//! How full the disk is.

use std::io;
use std::path::Path;

/// Below the mark by this much it is well again: no alert each minute for a disk that hovers.
const CLEARANCE: f64 = 0.02;

/// Looks at a file system and says once when too much of it is used, and once when it is well again.
#[derive(Debug)]
pub(super) struct Disk {
    mark: f64,
    alerted: bool,
}

/// What has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    None,
    Full,
    Well,
}

impl Disk {
    pub(super) fn new(mark: f64) -> Self {
        Self { mark, alerted: false }
    }

    /// The share from which on it is too much.
    pub(super) fn set(&mut self, mark: f64) {
        self.mark = mark;
    }

    /// Takes note of the share that is used.
    pub(super) fn note(&mut self, used: f64) -> Change {
        let before = self.alerted;
        self.alerted = used >= if before { self.mark - CLEARANCE } else { self.mark };
        match (before, self.alerted) {
            (false, true) => Change::Full,
            (true, false) => Change::Well,
            _ => Change::None,
        }
    }
}

/// The share of the file system around `path` that is used, as `df` reckons: of what is not reserved for root. `None`
/// where the platform has no `statvfs`.
pub(super) fn used(path: &Path) -> io::Result<Option<f64>> {
    #[cfg(unix)]
    {
        let stat = rustix::fs::statvfs(path)?;
        let used = stat.f_blocks.saturating_sub(stat.f_bfree);
        let all = used + stat.f_bavail;
        #[allow(clippy::cast_precision_loss, reason = "a share of a disk needs no 53 bits")]
        Ok((all > 0).then(|| used as f64 / all as f64))
    }
    #[cfg(not(unix))]
    {
        let _ = path;
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_says_once_that_the_disk_is_full_and_once_that_it_is_well() {
        let mut disk = Disk::new(0.8);
        let said: Vec<_> = [0.5, 0.81, 0.9, 0.79, 0.77, 0.79, 0.8].map(|used| disk.note(used)).into();
        assert_eq!(
            said,
            [
                Change::None,
                Change::Full,
                Change::None,
                Change::None,
                Change::Well,
                Change::None,
                Change::Full
            ]
        );
    }

    #[cfg(unix)]
    #[test]
    fn a_file_system_has_a_share_that_is_used() {
        let used = used(&std::env::temp_dir()).expect("there").expect("it has blocks");
        assert!((0.0..=1.0).contains(&used), "{used}");
    }
}
