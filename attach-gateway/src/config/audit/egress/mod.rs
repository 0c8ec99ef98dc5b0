//! `[[audit.egress]]`: the systems that records are sent to. A kind is a file: what it takes as it is written, and
//! what that comes to.

use std::path::PathBuf;
use std::time::Duration;
use std::{fmt, fs};

use attach_audit::egress::Start;
use attach_audit::format::Format;
use attach_core::client::Client;
use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::config::{ConfigError, Secret};

mod otlp;
mod splunk;
mod syslog;
mod tls;
mod webhook;

pub use self::otlp::{OtlpLogs, Transport};
pub use self::splunk::SplunkHec;
pub use self::syslog::Syslog;
pub use self::webhook::Webhook;

pub(super) type Env<'a> = &'a dyn Fn(&str) -> Option<String>;

/// How long a receiver may take for one batch.
const PATIENCE: Duration = Duration::from_secs(30);

/// Who sends, as records name it.
const BUILD: &str = concat!("attach-gateway/", env!("CARGO_PKG_VERSION"));

/// A system that records are sent to.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Egress {
    /// Its name in metrics and of its cursor; the kind unless set.
    pub name: String,
    /// The form of the records.
    pub format: Format,
    /// Where it begins when it is new.
    pub start: Start,
    /// What it is.
    pub receiver: Receiver,
    /// Tells whether it is written as before, and its secrets are the same.
    digest: [u8; 32],
}

/// What takes records.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Receiver {
    /// The standard output.
    Stdout,
    /// Splunk's HTTP Event Collector.
    SplunkHec(SplunkHec),
    /// Somebody's own.
    Webhook(Webhook),
    /// OTLP logs.
    Otlp(OtlpLogs),
    /// Syslog.
    Syslog(Syslog),
}

/// One table as it is written. What all kinds have is taken out before the rest is read.
#[derive(Debug, Clone, Deserialize)]
pub(in crate::config) struct Table {
    name: Option<String>,
    format: Option<String>,
    from: Option<String>,
    #[serde(flatten)]
    rest: toml::Table,
}

#[derive(Debug, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
enum Written {
    Stdout(Nothing),
    SplunkHec(splunk::Written),
    Webhook(webhook::Written),
    Otlp(otlp::Written),
    Syslog(syslog::Written),
}

/// What a kind takes that has no keys of its own.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

impl Written {
    fn resolve(self, env: Env<'_>) -> Result<Receiver, ConfigError> {
        Ok(match self {
            Self::Stdout(Nothing {}) => Receiver::Stdout,
            Self::SplunkHec(written) => Receiver::SplunkHec(written.resolve(env)?),
            Self::Webhook(written) => Receiver::Webhook(written.resolve(env)?),
            Self::Otlp(written) => Receiver::Otlp(written.resolve(env)?),
            Self::Syslog(written) => Receiver::Syslog(written.resolve(env)?),
        })
    }
}

pub(super) fn resolve(tables: &[Table], env: Env<'_>) -> Result<Vec<Egress>, ConfigError> {
    let mut all: Vec<Egress> = Vec::new();
    for table in tables {
        let egress = one(table.clone(), env).map_err(|error| named(table, &error))?;
        if all.iter().any(|other| other.name == egress.name) {
            return Err(wrong(format!("name: {:?} is taken; give each of them one of its own", egress.name)));
        }
        all.push(egress);
    }
    Ok(all)
}

/// Which of the tables an error is about.
fn named(table: &Table, error: &ConfigError) -> ConfigError {
    let kind = table.rest.get("kind").and_then(toml::Value::as_str);
    let why = error.to_string();
    match (table.name.as_deref().or(kind), why.strip_prefix("audit.egress")) {
        (Some(name), Some(why)) => {
            ConfigError::new(format!("audit.egress {name:?}: {}", why.trim_start_matches(['.', ':', ' '])))
        }
        _ => ConfigError::new(why),
    }
}

fn one(table: Table, env: Env<'_>) -> Result<Egress, ConfigError> {
    let digest = Sha256::new().chain_update(format!("{table:?}"));
    let kind = table.rest.get("kind").and_then(toml::Value::as_str).unwrap_or_default();
    let name = table.name.unwrap_or_else(|| kind.to_owned());
    let fits = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
    if name.is_empty() || name.len() > 64 || !name.chars().all(fits) {
        return Err(wrong("name: up to 64 ASCII letters, digits, - and _"));
    }
    if name == "stdout" && table.rest.get("kind").is_some_and(|kind| kind.as_str() != Some("stdout")) {
        return Err(wrong("name: \"stdout\" is the standard output's"));
    }
    let written: Written =
        table.rest.try_into().map_err(|error: toml::de::Error| wrong(error.message().to_owned()))?;
    let (format, start) = (format(table.format.as_deref())?, start(table.from.as_deref())?);
    let receiver = written.resolve(env)?;
    let digest = receiver.secrets().fold(digest, |digest, secret| digest.chain_update(secret.expose()));
    Ok(Egress { name, format, start, receiver, digest: digest.finalize().into() })
}

fn format(name: Option<&str>) -> Result<Format, ConfigError> {
    let Some(name) = name else { return Ok(Format::Native) };
    let names = || Format::ALL.map(Format::as_str).join(", ");
    Format::named(name).ok_or_else(|| wrong(format!("format: {name:?} is not one of {}", names())))
}

fn start(name: Option<&str>) -> Result<Start, ConfigError> {
    match name {
        None | Some("oldest") => Ok(Start::Oldest),
        Some("now") => Ok(Start::Now),
        Some(other) => Err(wrong(format!("from: {other:?} is not one of oldest, now"))),
    }
}

/// What asks receivers that speak HTTP: by the platform's roots, or only by those in the file `ca`.
pub(super) fn client(ca: Option<PathBuf>) -> Result<Client, ConfigError> {
    let client = match ca {
        None => Client::new().map_err(|error| wrong(format!("TLS: {error}")))?,
        Some(path) => {
            let told = |error: &dyn fmt::Display| wrong(format!("ca: {}: {error}", path.display()));
            let pem = fs::read(&path).map_err(|error| told(&error))?;
            Client::with_roots(&pem).map_err(|error| told(&error))?
        }
    };
    Ok(client.with_timeout(PATIENCE))
}

/// A URL of a receiver: http or https, with a host.
pub(super) fn url(text: &str) -> Result<(), ConfigError> {
    let parsed = text.parse::<http::Uri>().ok();
    let fits =
        parsed.is_some_and(|url| matches!(url.scheme_str(), Some("https" | "http")) && url.host().is_some());
    if fits { Ok(()) } else { Err(wrong("url: is no http or https URL")) }
}

pub(super) fn wrong(why: impl fmt::Display) -> ConfigError {
    ConfigError::new(format!("audit.egress: {why}"))
}

impl Egress {
    /// Whether nothing about it has changed; files that it names are not looked into.
    pub(super) fn same(&self, other: &Self) -> bool {
        self.digest == other.digest
    }
}

impl Receiver {
    fn secrets(&self) -> impl Iterator<Item = &Secret> {
        let (one, more): (Option<&Secret>, &[(String, Secret)]) = match self {
            Self::SplunkHec(splunk) => (Some(&splunk.token), &[]),
            Self::Webhook(webhook) => (webhook.key.as_ref(), &[]),
            Self::Otlp(otlp) => (None, otlp.headers()),
            Self::Stdout | Self::Syslog(_) => (None, &[]),
        };
        one.into_iter().chain(more.iter().map(|(_, secret)| secret))
    }
}

impl fmt::Display for Egress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.name, self.receiver)?;
        if self.start == Start::Now { f.write_str("; from now on") } else { Ok(()) }
    }
}

impl fmt::Display for Receiver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stdout => f.write_str("the standard output"),
            Self::SplunkHec(splunk) => splunk.fmt(f),
            Self::Webhook(webhook) => webhook.fmt(f),
            Self::Otlp(otlp) => otlp.fmt(f),
            Self::Syslog(syslog) => syslog.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<Egress>, String> {
        #[derive(Deserialize)]
        struct File {
            egress: Vec<Table>,
        }
        let file: File = toml::from_str(text).expect("a file");
        let env = |name: &str| match name {
            "HEC" => Some("not-a-real-token".to_owned()),
            "OTLP" => Some("authorization=Bearer%20not-a-real-token".to_owned()),
            _ => None,
        };
        resolve(&file.egress, &env).map_err(|error| error.to_string())
    }

    #[test]
    fn every_kind_is_read_and_shown_without_its_secrets() {
        let all = read(
            r#"
            [[egress]]
            kind = "stdout"
            [[egress]]
            kind = "splunk-hec"
            name = "soc"
            url = "https://splunk.example.com:8088"
            token = { env = "HEC" }
            index = "ai"
            ack = true
            from = "now"
            [[egress]]
            kind = "webhook"
            url = "https://soc.example.com/in/0123"
            key = { env = "HEC" }
            [[egress]]
            kind = "otlp"
            url = "https://collector.example.com:4318"
            headers = { env = "OTLP" }
            [[egress]]
            kind = "otlp"
            name = "grpc"
            url = "http://127.0.0.1:4317"
            protocol = "grpc"
            [[egress]]
            kind = "syslog"
            address = "syslog.example.com:6514"
            [[egress]]
            kind = "syslog"
            name = "relay"
            address = "[::1]:601"
            tls = false
            "#,
        )
        .expect("it reads");
        let shown: Vec<_> = all.iter().map(ToString::to_string).collect();
        assert_eq!(
            shown,
            [
                "stdout: the standard output",
                "soc: Splunk HEC at https://splunk.example.com:8088, index ai, indexer acknowledgement; from now on",
                "webhook: a webhook at soc.example.com, signed",
                "otlp: OTLP logs over HTTP to collector.example.com:4318, TLS, header authorization",
                "grpc: OTLP logs over gRPC to 127.0.0.1:4317, without TLS",
                "syslog: syslog to syslog.example.com:6514, TLS; not acknowledged",
                "relay: syslog to ::1:601, without TLS; not acknowledged",
            ]
        );
        let debug = format!("{all:?}");
        assert!(!debug.contains("not-a-real-token") && !debug.contains("0123"), "{debug}");
    }

    #[test]
    fn what_makes_no_sense_is_named() {
        let hec =
            "[[egress]]\nkind = \"splunk-hec\"\nurl = \"https://s.example\"\ntoken = { env = \"HEC\" }\n";
        let otlp = "[[egress]]\nkind = \"otlp\"\nurl = \"https://c.example:4317\"\n";
        let syslog = "[[egress]]\nkind = \"syslog\"\naddress = \"s.example:6514\"\n";
        for (text, named) in [
            ("[[egress]]\nkind = \"kafka\"\n", "unknown variant `kafka`"),
            ("[[egress]]\nname = \"a\"\n", "missing field `kind`"),
            ("[[egress]]\nkind = \"stdout\"\nurl = \"x\"\n", "unknown field `url`"),
            ("[[egress]]\nkind = \"splunk-hec\"\nurl = \"https://s.example\"\n", "missing field `token`"),
            (&hec.replace("https", "ftp"), "no http or https URL"),
            (&hec.replace("HEC", "NONE"), "NONE is not set"),
            (&format!("{hec}format = \"cef\"\n"), "\"cef\""),
            (&format!("{hec}from = \"then\"\n"), "\"then\""),
            (&format!("{hec}name = \"../a\"\n"), "name: "),
            (&format!("{hec}name = \"stdout\"\n"), "the standard output's"),
            (&format!("{hec}{hec}"), "is taken"),
            (&format!("{otlp}protocol = \"json\"\n"), "\"json\""),
            (&format!("{otlp}headers = {{ env = \"HEC\" }}\n"), "headers: "),
            (&format!("{otlp}server_name = \"a\"\n"), "\"grpc\" only"),
            (&format!("{otlp}protocol = \"grpc\"\ncertificate = \"a\"\n"), "without the other"),
            (&format!("{syslog}tls = false\nserver_name = \"a\"\n"), "tls = false"),
            (&format!("{syslog}facility = 24\n"), "facility"),
            (&syslog.replace(":6514", ""), "<host>:<port>"),
            (&format!("{hec}ca = \"/no/such/file.pem\"\n"), "/no/such/file.pem"),
        ] {
            let error = read(text).expect_err(text);
            assert!(error.contains(named) && error.contains("audit.egress"), "{error}");
        }
    }
}
