use std::fmt;

use super::{ChainReport, Report};

/// A checkpoint that the records of a node were held against.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Basis {
    /// The chain.
    pub chain: String,
    /// How many of its first records the checkpoint is about.
    pub size: u64,
    /// When it was written, if its record is in the log.
    pub at: Option<String>,
    /// The name of the key that has signed it, if keys were given.
    pub by: Option<String>,
    /// Whether it was known from elsewhere, rather than read in the log.
    pub given: bool,
    /// How many records of the node come after those.
    pub after: u64,
}

impl Basis {
    /// What a node's chains rest on: the checkpoint from elsewhere, and the last signed one in the log if it is later.
    pub(super) fn of(chains: &[ChainReport], given: Option<Self>, signed: Option<Self>) -> Vec<Self> {
        let mut found: Vec<_> = given.into_iter().chain(signed).collect();
        for basis in &mut found {
            let later = chains.iter().rev().take_while(|chain| chain.chain != basis.chain);
            let later: u64 = later.map(|chain| chain.last - chain.first + 1).sum();
            let own = chains.iter().find(|chain| chain.chain == basis.chain);
            basis.after = later + own.map_or(0, |chain| (chain.last + 1).saturating_sub(basis.size));
        }
        if let [given, signed] = &found[..]
            && given.by.is_some()
            && signed.after >= given.after
        {
            found.truncate(1);
        }
        found
    }
}

impl fmt::Display for Basis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { chain, size, at, by, given, after } = self;
        write!(f, "against the checkpoint over {size} records of chain {chain}")?;
        if let Some(at) = at {
            write!(f, ", of {at}")?;
        }
        match by {
            Some(by) => write!(f, ", signed by {by}")?,
            None => f.write_str(", taken as given: its signature was not checked")?,
        }
        f.write_str(if *given {
            "; it was given from elsewhere, so up to there nothing is cut off or written anew"
        } else {
            "; it was read in the log, so up to there nothing is written anew without the key, but a cut-off end \
             would not be seen"
        })?;
        write!(f, "; the {after} records after it are self-consistent only")
    }
}

pub(super) fn display(report: &Report, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let mut lines: Vec<_> = report.basis.iter().map(ToString::to_string).collect();
    if lines.is_empty() {
        let mut line = String::from(
            "self-consistent only: no checkpoint from elsewhere was given, so a cut-off end, or a log written anew \
             from some record on, would not be seen",
        );
        if report.checkpoints > 0 {
            line += &format!(
                "; {} checkpoints fit, but no key was given to check their signatures with",
                report.checkpoints
            );
        }
        lines.push(line);
    } else {
        let alone = |chain: &String| {
            format!("the node of chain {chain}: self-consistent only, there is no checkpoint for it")
        };
        lines.extend(report.alone.iter().map(alone));
    }
    let lines: Vec<_> = lines.iter().map(|line| format!("basis: {line}")).collect();
    f.write_str(&lines.join("\n"))
}
