use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use crate::procstat;

/// Between two looks.
const PERIOD: Duration = Duration::from_secs(5);

/// How memory was over time.
#[derive(Debug, Default)]
pub(super) struct Memory {
    /// When, from the beginning, and resident bytes.
    samples: Vec<(Duration, u64)>,
}

impl Memory {
    /// Looks at `pids` until there is nobody any more at the other end of `over`.
    pub(super) fn watch(pids: &[u32], over: &Receiver<()>) -> Self {
        let (mut memory, began, mut told) = (Self::default(), Instant::now(), Instant::now());
        while over.recv_timeout(PERIOD) == Err(RecvTimeoutError::Timeout) {
            let (resident, _) = procstat::resident(pids);
            memory.samples.push((began.elapsed(), resident));
            if told.elapsed() >= Duration::from_secs(60) {
                told = Instant::now();
                eprintln!("{:.0} s: {:.1} MiB", began.elapsed().as_secs_f64(), mib(resident));
            }
        }
        memory
    }

    /// The median from half a minute before `at` to half a minute after it.
    pub(super) fn around(&self, at: Duration) -> Option<u64> {
        let near = |(when, _): &&(Duration, u64)| when.abs_diff(at) <= Duration::from_secs(30);
        let mut near: Vec<u64> = self.samples.iter().filter(near).map(|(_, resident)| *resident).collect();
        near.sort_unstable();
        near.get(near.len() / 2).copied()
    }

    pub(super) fn most(&self) -> u64 {
        self.samples.iter().map(|(_, resident)| *resident).max().unwrap_or_default()
    }
}

pub(super) fn mib(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_odd_sample_does_not_decide() {
        let sample = |second: u64| (Duration::from_secs(second), if second == 300 { 900 } else { second });
        let memory = Memory { samples: (0..100).map(|n| sample(n * 5)).collect() };
        assert_eq!((memory.around(Duration::from_secs(300)), memory.most()), (Some(305), 900));
        assert_eq!(memory.around(Duration::from_secs(3000)), None);
    }
}
