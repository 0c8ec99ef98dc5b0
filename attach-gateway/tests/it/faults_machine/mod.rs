//! The built binary on a machine that fails under it: its clock is set, its disk breaks, its names are not found.
//!
//! `machine.c` stands before the C library (`LD_PRELOAD`). Skipped, with a line, where there is no C compiler.

mod clock;
mod disk;
mod names;

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::process::Command;

use crate::support::{Launch, TempDir};

/// What can be wrong, by its place in the file that `machine.c` reads.
#[derive(Debug, Clone, Copy)]
enum Fault {
    /// Seconds that the clock on the wall is ahead.
    Clock,
    /// How many more syncs of the log fail with `EIO`; below zero, all of them.
    SyncFails,
    /// Milliseconds that a sync of the log takes longer.
    SyncDelay,
    /// The error of every write to the log.
    WriteError,
    /// What names below `.test` are: 127.0.0.1, 127.0.0.2, unknown, or not to be had.
    Names,
}

const ELSEWHERE: i64 = 1;
const UNKNOWN: i64 = 2;
const FAILING: i64 = 3;

struct Machine {
    folder: TempDir,
    words: File,
}

impl Machine {
    /// Everything is well; `None` without a C compiler.
    fn new() -> Option<Self> {
        let folder = TempDir::new();
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/faults_machine/machine.c");
        let library = folder.path().join("machine.so");
        let compiled = Command::new("cc")
            .args(["-shared", "-fPIC", "-O1", "-o"])
            .arg(&library)
            .args([source, "-ldl"])
            .status();
        if !compiled.is_ok_and(|status| status.success()) {
            eprintln!("SKIPPED: no C compiler; faults of the machine were tested one by one only");
            return None;
        }
        folder.write("words", "");
        let words = File::options().write(true).open(folder.path().join("words")).unwrap();
        words.set_len(4096).unwrap();
        Some(Self { folder, words })
    }

    fn under(&self, launch: Launch) -> Launch {
        let path = |name: &str| self.folder.path().join(name).display().to_string();
        launch.set("LD_PRELOAD", &path("machine.so")).set("MACHINE_FAULTS", &path("words"))
    }

    /// From now on; 0 is well.
    fn set(&self, fault: Fault, value: i64) {
        self.words.write_at(&value.to_ne_bytes(), fault as u64 * 8).unwrap();
    }
}
