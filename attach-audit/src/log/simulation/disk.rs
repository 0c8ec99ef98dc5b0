//! The disk of the simulations of the writer and of the whole crate: it loses, at any moment, what was not synced, tears
//! the last write anywhere, and fails now and then. Included by both; whoever does has `Segment` and `Storage` in scope.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Cursor, Read};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard};

use super::{Segment, Storage};

#[derive(Clone, Default)]
pub(crate) struct Simulated(Arc<Mutex<Machine>>);

#[derive(Default)]
pub(crate) struct Machine {
    files: BTreeMap<String, File>,
    pub(crate) random: Random,
    /// Operations until the power fails.
    pub(crate) left: u32,
    /// One in so many operations fails although there is power; 0: none.
    faults: u64,
    /// Called when there is no power any more.
    pub(crate) on_outage: Option<Box<dyn FnOnce() + Send>>,
    pub(crate) failed: u64,
}

#[derive(Default)]
struct File {
    synced: Vec<u8>,
    unsynced: Vec<u8>,
    /// A sync failed: what was not durable then never will be.
    broken: bool,
}

struct Open(Simulated, String);

/// xorshift64: the same seed, the same run.
#[derive(Clone, Copy, Default)]
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }

    pub(crate) fn below(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % n
    }
}

impl Simulated {
    pub(crate) fn machine(&self) -> MutexGuard<'_, Machine> {
        self.0.lock().expect("unpoisoned")
    }

    /// One operation: there may be no power for it, or it may fail by itself.
    fn step(&self) -> io::Result<MutexGuard<'_, Machine>> {
        let mut machine = self.machine();
        let Some(left) = machine.left.checked_sub(1) else {
            if let Some(told) = machine.on_outage.take() {
                told();
            }
            return Err(io::ErrorKind::BrokenPipe.into());
        };
        machine.left = left;
        let faults = machine.faults;
        if faults > 0 && machine.random.below(faults) == 0 {
            machine.failed += 1;
            return Err(io::Error::other("EIO"));
        }
        Ok(machine)
    }

    /// What is on the disk after the power failed: of what was not synced, any beginning.
    pub(crate) fn restart(&self, left: u32, faults: u64) {
        let mut machine = self.machine();
        let mut random = machine.random;
        for file in machine.files.values_mut() {
            let unsynced = std::mem::take(&mut file.unsynced);
            let keep = random.below(unsynced.len() as u64 + 1) as usize;
            file.synced.extend_from_slice(&unsynced[..keep]);
            file.broken = false;
        }
        (machine.random, machine.left, machine.faults, machine.on_outage) = (random, left, faults, None);
    }

    /// The files as somebody sees them who reads them now.
    pub(crate) fn show(&self, dir: &Path) {
        for (name, file) in &self.machine().files {
            let seen = [file.synced.as_slice(), &file.unsynced].concat();
            fs::write(dir.join(name), seen).expect("written");
        }
    }
}

impl Storage for Simulated {
    fn list(&self) -> io::Result<Vec<String>> {
        Ok(self.step()?.files.keys().cloned().collect())
    }
    fn read(&self, name: &str) -> io::Result<Box<dyn Read>> {
        Ok(Box::new(Cursor::new(self.step()?.files[name].synced.clone())))
    }
    fn create(&self, name: &str) -> io::Result<Box<dyn Segment>> {
        self.step()?.files.insert(name.to_owned(), File::default());
        Ok(Box::new(Open(self.clone(), name.to_owned())))
    }
    fn remove(&self, name: &str) {
        if let Ok(mut machine) = self.step() {
            machine.files.remove(name);
        }
    }
}

impl Segment for Open {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        let fails = self.0.step().map(drop);
        let mut machine = self.0.machine();
        let taken = match fails {
            Ok(()) => bytes.len(),
            // A write that fails has taken any beginning.
            Err(_) => machine.random.below(bytes.len() as u64 + 1) as usize,
        };
        let file = machine.files.get_mut(&self.1).expect("created");
        assert!(!file.broken, "a file that failed is written to");
        file.broken = fails.is_err();
        file.unsynced.extend_from_slice(&bytes[..taken]);
        fails
    }
    fn sync(&mut self) -> io::Result<()> {
        let fails = self.0.step().map(drop);
        let mut machine = self.0.machine();
        let file = machine.files.get_mut(&self.1).expect("created");
        assert!(!file.broken, "a sync that failed is tried again");
        file.broken = fails.is_err();
        if fails.is_ok() {
            let unsynced = std::mem::take(&mut file.unsynced);
            file.synced.extend(unsynced);
        }
        fails
    }
}
