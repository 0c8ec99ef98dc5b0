//! The systems that records are sent to, as the configuration has them.

use std::io;
use std::path::Path;
use std::sync::Arc;

use attach_audit::egress::{Egress, SigningKey, SplunkHec, Stdout, Target, Webhook};
use attach_audit::log::Tail;

use crate::config::{self, Receiver};

/// The bucket's name in metrics and of its cursor.
const ARCHIVE: &str = "archive";

/// Whether there can be such receivers; nobody is asked.
pub(super) fn check(audit: &config::Audit) -> io::Result<()> {
    audit.egress.iter().try_for_each(|one| target(one).map(drop))
}

/// Their cursors are beside the log.
pub(super) fn open(tail: Tail, folder: &Path, audit: &config::Audit) -> io::Result<Egress> {
    let start = Egress::new(tail, folder);
    let all = audit.egress.iter().try_fold(start, |egress, one| egress.to_from(target(one)?, one.start))?;
    match &audit.archive {
        None => Ok(all),
        Some(archive) => all.archive(ARCHIVE, archive.bucket().map_err(io::Error::other)?),
    }
}

fn target(egress: &config::Egress) -> io::Result<Arc<dyn Target>> {
    let (name, format) = (egress.name.as_str(), egress.format);
    Ok(match &egress.receiver {
        Receiver::Stdout => Arc::new(Stdout::new(name).format(format)),
        Receiver::SplunkHec(splunk) => Arc::new(hec(name, splunk).map_err(io::Error::other)?.format(format)),
        Receiver::Otlp(otlp) => otlp.target(name, format).map_err(io::Error::other)?,
        Receiver::Syslog(syslog) => syslog.target(name, format).map_err(io::Error::other)?,
        Receiver::Webhook(webhook) => {
            let target = Webhook::new(name, webhook.url.expose(), Arc::new(webhook.client.clone()));
            let target = target.map_err(io::Error::other)?.format(format);
            let key = webhook.key.as_ref().map(|key| SigningKey::new(key.expose()));
            Arc::new(key.into_iter().fold(target, Webhook::signed))
        }
    })
}

fn hec(name: &str, splunk: &config::SplunkHec) -> Result<SplunkHec, http::Error> {
    let fetch = Arc::new(splunk.client.clone());
    let mut target =
        SplunkHec::new(name, &splunk.url, splunk.token.expose(), fetch)?.source("attach-gateway");
    if let Some(index) = &splunk.index {
        target = target.index(index.as_str());
    }
    splunk.ack.map_or(Ok(target.clone()), |deadline| target.ack(deadline))
}
