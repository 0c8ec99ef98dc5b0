//! `[telemetry]` and `server.telemetry_listen`: what is measured, and who is told.

use std::fmt::Write;
use std::net::SocketAddr;

use serde::Deserialize;

use super::secret::SecretRef;
use super::upstream::parse_url;
use super::{ConfigError, Secret};

type Env<'a> = &'a dyn Fn(&str) -> Option<String>;

/// What is measured, and who is told.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Telemetry {
    /// Where metrics may be read, in clear text and without a credential.
    pub listen: Option<SocketAddr>,
    /// The collector that metrics and traces are sent to.
    pub otlp: Option<Otlp>,
    /// The share of traces that are kept, of those that begin here; what `OTEL_TRACES_SAMPLER` says if not set.
    pub sample: Option<f64>,
    /// What metrics tell apart besides what everybody's do.
    pub labels: Vec<Label>,
    /// Whether spans name the caller's stable id.
    pub user_id: bool,
}

/// A collector of OpenTelemetry's own protocol.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Otlp {
    /// Scheme and authority, and a path prefix if it has one; what `OTEL_EXPORTER_OTLP_*` say if not set.
    pub endpoint: Option<String>,
    /// How it is spoken to.
    pub protocol: Protocol,
    /// Headers of every call, as `name=value,name=value`; of those of `OTEL_EXPORTER_OTLP_HEADERS` these are more.
    pub headers: Option<Secret>,
    /// Whether it gets traces.
    pub traces: bool,
    /// Whether it gets metrics.
    pub metrics: bool,
}

/// How a collector is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Protocol {
    /// gRPC, usually on port 4317.
    Grpc,
    /// Protobuf over HTTP, usually on port 4318.
    Http,
}

/// What metrics may tell apart besides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Label {
    /// The caller's directory.
    Directory,
    /// The first of the groups that decided.
    Group,
}

impl Protocol {
    /// The name in a configuration, as in `OTEL_EXPORTER_OTLP_PROTOCOL`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Grpc => "grpc",
            Self::Http => "http/protobuf",
        }
    }

    fn parse(key: &str, text: &str) -> Result<Self, ConfigError> {
        match text {
            "grpc" => Ok(Self::Grpc),
            "http/protobuf" => Ok(Self::Http),
            _ => Err(ConfigError::new(format!("{key}: {text:?} is not one of grpc, http/protobuf"))),
        }
    }

    /// By the port, where nothing else is said.
    fn of(endpoint: &str) -> Self {
        if endpoint.trim_end_matches('/').ends_with(":4317") { Self::Grpc } else { Self::Http }
    }
}

impl Label {
    /// The name in a configuration.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Directory => "directory",
            Self::Group => "group",
        }
    }

    fn parse(text: &str) -> Result<Self, ConfigError> {
        match text {
            "directory" => Ok(Self::Directory),
            "group" => Ok(Self::Group),
            _ => Err(ConfigError::new(format!("telemetry.labels: {text:?} is not one of directory, group"))),
        }
    }
}

/// `[telemetry]` as it is written.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct File {
    otlp: Option<String>,
    protocol: Option<String>,
    headers: Option<SecretRef>,
    sample: Option<f64>,
    labels: Vec<String>,
    user_id: bool,
}

pub(super) fn resolve(file: &File, listen: Option<&str>, env: Env<'_>) -> Result<Telemetry, ConfigError> {
    let sample = file.sample.filter(|share| !(0.0..=1.0).contains(share));
    if let Some(share) = sample {
        return Err(ConfigError::new(format!("telemetry.sample: {share} is not a share from 0 to 1")));
    }
    let address = |text: &str| {
        text.parse().map_err(|_| {
            ConfigError::new(format!(
                "server.telemetry_listen: {text:?} is not an address like 127.0.0.1:9090"
            ))
        })
    };
    Ok(Telemetry {
        listen: listen.map(address).transpose()?,
        otlp: otlp(file, env)?,
        sample: file.sample,
        labels: file.labels.iter().map(|label| Label::parse(label)).collect::<Result<_, _>>()?,
        user_id: file.user_id,
    })
}

fn otlp(file: &File, env: Env<'_>) -> Result<Option<Otlp>, ConfigError> {
    let env = |name: &str| env(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty());
    if env("OTEL_SDK_DISABLED").is_some_and(|value| value.eq_ignore_ascii_case("true")) {
        return Ok(None);
    }
    let endpoint = file.otlp.as_deref().map(|text| Ok(parse_url("telemetry.otlp", text)?.to_string()));
    let endpoint = endpoint.transpose()?.map(|url| url.trim_end_matches('/').to_owned());
    let general = env("OTEL_EXPORTER_OTLP_ENDPOINT");
    let has = |signal: &str| {
        let own = || env(&format!("OTEL_EXPORTER_OTLP_{signal}_ENDPOINT")).is_some();
        let off = || env(&format!("OTEL_{signal}_EXPORTER")).is_some_and(|value| value == "none");
        (endpoint.is_some() || general.is_some() || own()) && !off()
    };
    let (traces, metrics) = (has("TRACES"), has("METRICS"));
    if !traces && !metrics {
        return Ok(None);
    }
    let protocol = match (file.protocol.as_deref(), env("OTEL_EXPORTER_OTLP_PROTOCOL")) {
        (Some(said), _) => Protocol::parse("telemetry.protocol", said)?,
        (None, Some(said)) => Protocol::parse("OTEL_EXPORTER_OTLP_PROTOCOL", &said)?,
        (None, None) => Protocol::of(endpoint.as_deref().or(general.as_deref()).unwrap_or_default()),
    };
    let read = |secret: &SecretRef| secret.read("telemetry.headers", env);
    Ok(Some(Otlp {
        endpoint,
        protocol,
        headers: file.headers.as_ref().map(read).transpose()?,
        traces,
        metrics,
    }))
}

pub(super) fn describe(out: &mut String, telemetry: &Telemetry) {
    match telemetry.listen {
        Some(listen) => drop(writeln!(out, "server.telemetry_listen = \"{listen}\"")),
        None => drop(writeln!(out, "telemetry: no listener")),
    }
    let Some(otlp) = &telemetry.otlp else { return };
    let _ = writeln!(
        out,
        "telemetry: {} by OTLP to {}, {}",
        match (otlp.traces, otlp.metrics) {
            (true, true) => "metrics and traces",
            (true, false) => "traces",
            (false, _) => "metrics",
        },
        otlp.endpoint.as_deref().unwrap_or("the place that OTEL_EXPORTER_OTLP_ENDPOINT names"),
        otlp.protocol.as_str()
    );
    if telemetry.user_id {
        let _ = writeln!(out, "telemetry: spans name the caller's stable id");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, env: &[(&str, &str)]) -> Result<Telemetry, ConfigError> {
        let file: File = toml::from_str(text).expect("valid TOML");
        let env: Vec<_> = env.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
        let env = move |name: &str| env.iter().find(|(known, _)| known == name).map(|(_, v)| v.clone());
        resolve(&file, None, &env)
    }

    #[test]
    fn nothing_is_sent_unless_a_collector_is_named() {
        assert!(read("", &[]).unwrap().otlp.is_none());
        assert!(read("", &[("OTEL_EXPORTER_OTLP_ENDPOINT", "")]).unwrap().otlp.is_none());
        let disabled = [("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:4317"), ("OTEL_SDK_DISABLED", "true")];
        assert!(read("", &disabled).unwrap().otlp.is_none());
    }

    #[test]
    fn the_protocol_is_the_one_that_is_said_or_that_of_the_port() {
        let of = |text: &str, env: &[(&str, &str)]| read(text, env).unwrap().otlp.unwrap().protocol;
        assert_eq!(of("otlp = \"http://localhost:4317\"", &[]), Protocol::Grpc);
        assert_eq!(of("otlp = \"http://localhost:4318\"", &[]), Protocol::Http);
        assert_eq!(of("otlp = \"http://localhost:4317\"\nprotocol = \"http/protobuf\"", &[]), Protocol::Http);
        let env = [("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:1"), ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")];
        assert_eq!(of("", &env), Protocol::Grpc);
    }

    #[test]
    fn a_signal_can_be_switched_off_by_itself() {
        let env = [("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:4318"), ("OTEL_METRICS_EXPORTER", "none")];
        let otlp = read("", &env).unwrap().otlp.unwrap();
        assert!(otlp.traces && !otlp.metrics);
    }

    #[test]
    fn what_makes_no_sense_is_named() {
        for (text, named) in [
            ("sample = 2.0", "telemetry.sample"),
            ("labels = [\"user\"]", "telemetry.labels"),
            ("otlp = \"localhost\"", "telemetry.otlp"),
            ("otlp = \"http://c:1\"\nprotocol = \"http/json\"", "telemetry.protocol"),
        ] {
            assert!(read(text, &[]).unwrap_err().to_string().contains(named), "{text}");
        }
    }
}
