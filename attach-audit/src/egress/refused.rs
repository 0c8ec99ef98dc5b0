//! Records that a receiver does not take, so that those behind them can be sent.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::SystemTime;

use serde::Serialize;
use serde_json::value::RawValue;

use super::SendError;
use crate::log::Line;
use crate::private::private;
use crate::{Audit, Deed, Timestamp, chain};

/// The file does not grow beyond this.
const LARGEST: u64 = 64 << 20;

/// The file `egress-<name>.refused`: each record with when and why.
#[derive(Debug)]
pub(super) struct Refused {
    path: PathBuf,
    /// Where it is recorded, if somebody said so.
    pub(super) audit: OnceLock<Audit>,
}

#[derive(Serialize)]
struct Kept<'a> {
    at: String,
    why: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    record: Option<&'a RawValue>,
    /// A line that is no JSON.
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
}

impl Refused {
    pub(super) fn new(dir: &Path, name: &str) -> Self {
        Self { path: dir.join(format!("egress-{name}.refused")), audit: OnceLock::new() }
    }

    /// Puts a record that `target` refused into the file, once that it does so is on record; durable, or not done.
    pub(super) async fn put_aside(&self, target: &str, line: Line, why: &SendError) -> io::Result<()> {
        if let Some(audit) = self.audit.get() {
            let deed = deed(target, &line.bytes, why);
            audit.record(&deed).await.map_err(|_| io::Error::other("it could not be recorded"))?;
        }
        let (path, why) = (self.path.clone(), why.to_string());
        tokio::task::spawn_blocking(move || write(&path, &line.bytes, why)).await.map_err(io::Error::other)?
    }
}

fn deed(target: &str, line: &[u8], why: &SendError) -> Deed {
    let deed = Deed::admin("egress.put_aside", "egress").target(target).detail("why", why.to_string());
    match chain::place(line) {
        Some((seq, chain)) => deed.detail("chain", chain).detail("seq", seq.to_string()),
        None => deed,
    }
}

fn write(path: &Path, line: &[u8], why: String) -> io::Result<()> {
    let mut file = private().append(true).create(true).open(path)?;
    if file.metadata()?.len().saturating_add(line.len() as u64) > LARGEST {
        return Err(io::Error::other(format!("{} is full", path.display())));
    }
    let record = serde_json::from_slice::<&RawValue>(line).ok();
    let text = record.is_none().then(|| String::from_utf8_lossy(line).into_owned());
    let at = Timestamp::from(SystemTime::now()).to_string();
    let mut kept = serde_json::to_vec(&Kept { at, why, record, text })?;
    kept.push(b'\n');
    file.write_all(&kept)?;
    file.sync_all()
}
