//! What a process has used, from `/proc`; elsewhere than on Linux, nothing is known.

use std::fs;
use std::time::Duration;

/// A tick of `/proc/<pid>/stat` (`USER_HZ`), which is 100 a second on every platform people run this on.
const TICK: Duration = Duration::from_millis(10);

/// Processor time of `pids`, user and system, up to now; zero for what is gone or cannot be known.
///
/// Where the kernel counts in nanoseconds per thread (`schedstat`) that is taken, else ticks of 10 ms. Threads that
/// have ended are in the ticks only, but no server here ends one.
#[must_use]
pub fn cpu(pids: &[u32]) -> Duration {
    pids.iter().map(|&pid| scheduled(pid).or_else(|| ticks(pid)).unwrap_or_default()).sum()
}

fn scheduled(pid: u32) -> Option<Duration> {
    let mut nanos = 0;
    for task in fs::read_dir(format!("/proc/{pid}/task")).ok()? {
        let text = fs::read_to_string(task.ok()?.path().join("schedstat")).ok()?;
        nanos += text.split_whitespace().next()?.parse::<u64>().ok()?;
    }
    (nanos > 0).then(|| Duration::from_nanos(nanos))
}

fn ticks(pid: u32) -> Option<Duration> {
    let stat = Stat::of(pid)?;
    Some(TICK * u32::try_from(stat.user + stat.system).ok()?)
}

/// Resident memory of `pids` now and at most, in bytes.
#[must_use]
pub fn resident(pids: &[u32]) -> (u64, u64) {
    pids.iter().filter_map(|&pid| status(pid)).fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1))
}

fn status(pid: u32) -> Option<(u64, u64)> {
    let text = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let field = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name))?;
        Some(line.split_whitespace().next()?.parse::<u64>().ok()? << 10)
    };
    Some((field("VmRSS:")?, field("VmHWM:")?))
}

/// `pid` and its children.
#[must_use]
pub fn family(pid: u32) -> Vec<u32> {
    let numbers = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = numbers.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let children = pids.filter(|&child| Stat::of(child).is_some_and(|stat| stat.parent == pid));
    std::iter::once(pid).chain(children).collect()
}

/// What is read of `/proc/<pid>/stat` (proc(5)).
struct Stat {
    parent: u32,
    user: u64,
    system: u64,
}

impl Stat {
    fn of(pid: u32) -> Option<Self> {
        Self::parse(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
    }

    /// The name, in brackets, may hold anything; what follows is numbers, from field 3 on.
    fn parse(text: &str) -> Option<Self> {
        let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
        Some(Self {
            parent: fields.get(1)?.parse().ok()?,
            user: fields.get(11)?.parse().ok()?,
            system: fields.get(12)?.parse().ok()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_brackets_and_spaces_is_no_obstacle() {
        let stat = Stat::parse("42 (a) b) (c) S 7 1 1 0 -1 0 9 9 9 9 120 30 5 6 20 0 1").expect("is whole");
        assert_eq!((stat.parent, stat.user, stat.system), (7, 120, 30));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn this_process_has_used_something() {
        let pid = [std::process::id()];
        assert!(cpu(&pid) > Duration::ZERO);
        let (now, most) = resident(&pid);
        assert!(now > 0 && most >= now);
    }
}
