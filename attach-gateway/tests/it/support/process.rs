//! What the kernel says about a running gateway (proc(5)).

use super::Gateway;

impl Gateway {
    fn proc(&self, name: &str) -> std::path::PathBuf {
        format!("/proc/{}/{name}", self.pid()).into()
    }

    /// Open file descriptors.
    pub(crate) fn descriptors(&self) -> usize {
        std::fs::read_dir(self.proc("fd")).unwrap().count()
    }

    /// Resident memory in MiB.
    pub(crate) fn resident(&self) -> usize {
        self.status("VmRSS:") / 1024
    }

    /// The most it ever was, in MiB.
    pub(crate) fn peak(&self) -> usize {
        self.status("VmHWM:") / 1024
    }

    fn status(&self, name: &str) -> usize {
        let status = std::fs::read_to_string(self.proc("status")).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        line.split_whitespace().next().unwrap().parse().unwrap()
    }

    /// Processor time used so far, in hundredths of a second.
    pub(crate) fn ticks(&self) -> u64 {
        let stat = std::fs::read_to_string(self.proc("stat")).unwrap();
        // Behind the name, which is in parentheses: utime and stime are fields 14 and 15 of all.
        let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
        fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
    }
}
