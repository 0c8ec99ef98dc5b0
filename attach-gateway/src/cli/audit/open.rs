use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;

use attach_audit::content::{Auditor, OpenError, Opened};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clap::Args;
use serde_json::{Value, json};

use super::place::Folder;
use super::plain::plain;
use super::trusted::{read, trouble};
use crate::cli::{complain, env, print};

#[derive(Debug, Args)]
pub(crate) struct Open {
    #[command(flatten)]
    log: Folder,
    /// The auditor's private key, as `audit keygen` or age-keygen wrote it. What is redacted opens without.
    #[arg(long, value_name = "FILE")]
    identity: Option<PathBuf>,
    /// The request: its X-Request-Id, `req_id` in the log.
    #[arg(long, value_name = "ID")]
    request: String,
    /// Print everything as JSON, with the record.
    #[arg(long)]
    json: bool,
}

impl Open {
    pub(super) fn run(&self) -> ExitCode {
        let (auditor, folder) = match self.given() {
            Ok(given) => given,
            Err(error) => return trouble(&*error),
        };
        match auditor.open(&folder, &self.request) {
            Ok(opened) if self.json => print(&format!("{}\n", as_json(&opened))),
            Ok(opened) => print(&as_text(&opened)),
            Err(error @ OpenError::Io(_)) => return trouble(&error),
            Err(OpenError::NotForYou) if self.identity.is_none() => {
                return trouble(&*Box::<dyn Error>::from(
                    "it is sealed: name an auditor's key with --identity",
                ));
            }
            Err(error) => {
                complain(&error);
                return ExitCode::FAILURE;
            }
        }
        ExitCode::SUCCESS
    }

    fn given(&self) -> Result<(Auditor, PathBuf), Box<dyn Error>> {
        let keys = self.identity.as_deref().map(read).transpose()?.unwrap_or_default();
        let auditor = Auditor::parse(&keys).map_err(|error| match &self.identity {
            Some(file) => format!("{}: {error}", file.display()),
            None => error.to_string(),
        })?;
        Ok((auditor, self.log.path(env)?))
    }
}

/// For people; JSON has every byte.
fn as_text(opened: &Opened) -> String {
    let mut out = format!("kept: {}\n", opened.kept.as_str());
    if let Some(truncated) = &opened.truncated {
        out.push_str(&format!("truncated: {truncated}\n"));
    }
    if let Some(person) = &opened.person {
        out.push_str(&format!("person: {} of {}", person.id, person.directory));
        let more = [&person.name, &person.email, &person.user_name];
        more.into_iter().flatten().for_each(|more| out.push_str(&format!(", {more}")));
        out.push('\n');
    }
    let texts = [("request", &opened.request), ("answer", &opened.answer)];
    for (name, text) in texts {
        out.push_str(&format!("--- {name}, {} bytes\n{}\n", text.len(), String::from_utf8_lossy(text)));
    }
    plain(&out)
}

fn as_json(opened: &Opened) -> Value {
    let record: Value = serde_json::from_str(&opened.record).unwrap_or_default();
    json!({
        "kept": opened.kept.as_str(),
        "truncated": opened.truncated,
        "person": opened.person,
        "request": text(&opened.request),
        "answer": text(&opened.answer),
        "record": record,
    })
}

/// As it is, if it is text.
fn text(bytes: &[u8]) -> Value {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.into(),
        Err(_) => json!({"base64": STANDARD.encode(bytes)}),
    }
}
