//! `[audit]`: what is promised of the log, and where it goes.

use std::fmt::Write;
use std::time::Duration;

use attach_audit::Mode;
use attach_audit::retention::Keep;
use serde::Deserialize;

use super::ConfigError;
use super::units::Span;

mod archive;
pub(super) mod content;
mod egress;
mod keep;
mod pace;

pub use self::archive::Archive;
pub use self::content::{Content, ContentRule};
pub use self::egress::{Egress, OtlpLogs, Receiver, SplunkHec, Syslog, Transport, Webhook};

/// What is promised of the audit log, and where it goes.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Audit {
    /// When a record has to be durable.
    pub mode: Mode,
    /// Where records are sent.
    pub egress: Vec<Egress>,
    /// Where closed segments are copied to.
    pub archive: Option<Archive>,
    /// The node's name in the log, if it is not the one that the state directory has.
    pub node: Option<String>,
    /// Whether checkpoints are signed, with the key in the state directory.
    pub sign: bool,
    /// How long the log is kept.
    pub keep: Keep,
    /// The share of the log's disk (0 to 1) from which on there is an alert.
    pub disk_alert: f64,
    /// What is kept of what was asked and answered.
    pub content: Content,
    /// Whether the admin listener answers from an index of the log.
    pub index: bool,
    /// How old a segment grows before it is closed; however old if there is none.
    pub segment_age: Option<Duration>,
    /// How long a request waits for its record before it is refused.
    pub patience: Duration,
}

impl Audit {
    /// Whether records go to the same places in the same way.
    pub(crate) fn same_receivers(&self, other: &Self) -> bool {
        let archive = match (&self.archive, &other.archive) {
            (None, None) => true,
            (Some(own), Some(other)) => own.same(other),
            _ => false,
        };
        let mut both = self.egress.iter().zip(&other.egress);
        archive && self.egress.len() == other.egress.len() && both.all(|(own, other)| own.same(other))
    }
}

/// `[audit]` as it is written.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct File {
    pub(in crate::config) mode: Option<String>,
    #[serde(flatten)]
    pub(in crate::config) content: content::Table,
    pub(in crate::config) egress: Vec<egress::Table>,
    pub(in crate::config) archive: Option<archive::Table>,
    pub(in crate::config) node: Option<String>,
    pub(in crate::config) sign: Option<bool>,
    pub(in crate::config) keep: Option<keep::Table>,
    pub(in crate::config) disk_alert: Option<u8>,
    pub(in crate::config) index: bool,
    pub(in crate::config) segment_age: Option<Span>,
    pub(in crate::config) patience: Option<Span>,
}

pub(super) fn resolve(file: &File, env: &dyn Fn(&str) -> Option<String>) -> Result<Audit, ConfigError> {
    let (keep, disk_alert) = (keep::resolve(file.keep.as_ref())?, keep::disk_alert(file.disk_alert)?);
    Ok(Audit {
        mode: mode(file.mode.as_deref())?,
        content: content::resolve(&file.content, env)?,
        egress: egress::resolve(&file.egress, env)?,
        archive: archive::resolve(file.archive.as_ref(), env)?,
        node: node(file.node.as_deref())?,
        sign: file.sign.unwrap_or(true),
        keep,
        disk_alert,
        index: file.index,
        segment_age: pace::segment_age(file.segment_age, file.archive.is_some())?,
        patience: pace::patience(file.patience)?,
    })
}

fn node(name: Option<&str>) -> Result<Option<String>, ConfigError> {
    let Some(name) = name else { return Ok(None) };
    let fits = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    if (1..=64).contains(&name.len()) && name.chars().all(fits) {
        return Ok(Some(name.into()));
    }
    Err(ConfigError::new("audit.node: write 1 to 64 letters, digits, dots, hyphens and underscores"))
}

fn mode(name: Option<&str>) -> Result<Mode, ConfigError> {
    match name {
        None | Some("strict") => Ok(Mode::Strict),
        Some("overlap") => Ok(Mode::Overlap),
        Some("relaxed") => Ok(Mode::Relaxed),
        Some(other) => {
            Err(ConfigError::new(format!("audit.mode: {other:?} is not one of strict, overlap, relaxed")))
        }
    }
}

pub(super) fn describe(out: &mut String, audit: &Audit) {
    let (mode, content) = (audit.mode.as_str(), audit.content.keep.as_str());
    let _ = writeln!(out, "audit.mode = \"{mode}\"; content = \"{content}\"");
    content::describe(out, &audit.content);
    if let Some(node) = &audit.node {
        let _ = writeln!(out, "audit.node = \"{node}\"");
    }
    let _ = writeln!(out, "audit.sign = {}; index = {}", audit.sign, audit.index);
    keep::describe(out, &audit.keep, audit.disk_alert);
    pace::describe(out, audit.segment_age, audit.patience);
    for egress in &audit.egress {
        let _ = writeln!(out, "audit.egress {egress}");
    }
    if let Some(archive) = &audit.archive {
        let _ = writeln!(out, "audit.archive: {archive}");
    }
}
