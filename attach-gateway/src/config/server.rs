//! The listener for callers and its bounds.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::time::Duration;

use attach_auth::policy::Network;
use http::{HeaderValue, Uri};
use serde::Deserialize;

use super::listen::{Channel, Listen};
use super::units::Span;
use super::upstream::parse_url;
use super::{ConfigError, file};

/// The listener and its bounds.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Server {
    /// Where to listen.
    pub listen: Listen,
    /// Who may open a socket in the file system: its mode.
    pub socket_mode: u32,
    /// What goes over it.
    pub channel: Channel,
    /// Whose word about a client's address counts.
    pub trusted_proxies: Vec<Network>,
    /// How they say it.
    pub proxy_header: ProxyHeader,
    /// Whether they say it when they connect, by the PROXY protocol. Then nobody else connects.
    pub proxy_protocol: bool,
    /// The address clients use, for the resource metadata of RFC 9728.
    pub external_url: Option<Uri>,
    /// Largest request body, in bytes.
    pub max_body: usize,
    /// Requests served at a time; more are answered 503.
    pub max_in_flight: usize,
    /// Connections open at a time; more wait in the kernel's queue.
    pub max_connections: usize,
    /// Connections open at a time from one address; more are closed.
    pub max_connections_per_address: usize,
    /// Bytes of requests and answers that are held at a time, in all; more is answered 503. By default a quarter of the
    /// machine's memory, or of the control group's, and 1 GiB at most.
    pub max_buffered: Option<usize>,
    /// How long clients may take.
    pub patience: Patience,
    /// Web pages that may call: exact origins.
    pub origins: Vec<HeaderValue>,
    /// How long running answers may take to finish after a stop signal.
    pub drain: Duration,
}

/// How a proxy says for whom it calls.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProxyHeader {
    /// `Forwarded` (RFC 7239).
    #[default]
    Forwarded,
    /// `X-Forwarded-For`.
    XForwardedFor,
}

/// How long a client may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Patience {
    /// For the TLS handshake.
    pub handshake: Duration,
    /// For a request's head.
    pub head: Duration,
    /// Between two pieces of a request's body.
    pub body: Duration,
    /// Until it reads on what it is sent.
    pub write: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        let head = Duration::from_secs(10);
        Self { handshake: head, head, body: Duration::from_secs(30), write: Duration::from_secs(60) }
    }
}

impl Default for Server {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)).into(),
            socket_mode: 0o600,
            channel: Channel::Clear,
            trusted_proxies: Vec::new(),
            proxy_header: ProxyHeader::default(),
            proxy_protocol: false,
            external_url: None,
            max_body: 4 << 20,
            max_in_flight: 10_000,
            max_connections: 20_000,
            max_connections_per_address: 2_000,
            max_buffered: None,
            patience: Patience::default(),
            origins: Vec::new(),
            drain: Duration::from_secs(120),
        }
    }
}

/// `server.cors` as it is written.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Cors {
    allowed_origins: Vec<String>,
}

impl Cors {
    /// What it means; `setting` is named in the error.
    pub(super) fn origins(&self, setting: &str) -> Result<Vec<HeaderValue>, ConfigError> {
        self.allowed_origins.iter().map(|text| origin(setting, text)).collect()
    }
}

/// `server.timeout` as it is written.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Timeout {
    handshake: Option<Span>,
    head: Option<Span>,
    body: Option<Span>,
    write: Option<Span>,
}

pub(super) fn resolve(from: file::Server) -> Result<Server, ConfigError> {
    let default = Server::default();
    let listen = from.listen.as_deref().map(|text| Listen::parse("server.listen", text)).transpose()?;
    let channel = from.tls.map(|tls| tls.resolve("server.tls")).transpose()?;
    let server = Server {
        listen: listen.unwrap_or(default.listen),
        socket_mode: from
            .socket_mode
            .as_deref()
            .map_or(Ok(default.socket_mode), |text| mode("server.socket_mode", text))?,
        channel: channel.unwrap_or_default(),
        trusted_proxies: from.trusted_proxies.iter().map(|text| proxy(text)).collect::<Result<_, _>>()?,
        proxy_header: from.proxy_header.as_deref().map_or(Ok(default.proxy_header), header)?,
        proxy_protocol: from.proxy_protocol,
        external_url: external_url("server.external_url", from.external_url.as_deref())?,
        max_body: from.max_body.map_or(default.max_body, |size| size.0),
        max_in_flight: from.max_in_flight.unwrap_or(default.max_in_flight),
        max_connections: from.max_connections.unwrap_or(default.max_connections),
        max_connections_per_address: from
            .max_connections_per_address
            .unwrap_or(default.max_connections_per_address),
        max_buffered: from.max_buffered.map(|size| size.0),
        patience: patience(&from.timeout, default.patience),
        origins: from.cors.origins("server.cors")?,
        drain: from.drain.map_or(default.drain, |span| span.0),
    };
    sensible(&server)?;
    Ok(server)
}

fn sensible(server: &Server) -> Result<(), ConfigError> {
    let wrong = |text: &str| Err(ConfigError::new(text));
    if server.channel == Channel::Proxied && server.listen.tcp().is_some() {
        if server.trusted_proxies.is_empty() {
            return wrong("server.tls: say in server.trusted_proxies which proxies speak TLS in front of it");
        }
    } else if server.channel == Channel::Clear && !server.trusted_proxies.is_empty() {
        return wrong(
            "server.trusted_proxies: what they send comes in clear text; say server.tls = \"terminated-by-proxy\", \
             or give it a certificate",
        );
    }
    if server.proxy_protocol && server.trusted_proxies.is_empty() && server.listen.tcp().is_some() {
        return wrong("server.proxy_protocol: say in server.trusted_proxies which proxies speak it");
    }
    if server.max_connections == 0 || server.max_connections_per_address == 0 {
        return wrong("server.max_connections: nobody could connect");
    }
    if server.max_buffered.is_some_and(|most| most < server.max_body) {
        return wrong(
            "server.max_buffered: less than server.max_body, so the largest request could never be held",
        );
    }
    Ok(())
}

/// `setting` is named in the error.
pub(super) fn external_url(setting: &str, text: Option<&str>) -> Result<Option<Uri>, ConfigError> {
    let url = text.map(|text| parse_url(setting, text)).transpose()?;
    if url.as_ref().is_some_and(|url| url.path() != "/") {
        return Err(ConfigError::new(format!(
            "{setting}: only a scheme and a host, such as https://llm.example.com"
        )));
    }
    Ok(url)
}

/// Of a socket in the file system; `setting` is named in the error.
pub(super) fn mode(setting: &str, text: &str) -> Result<u32, ConfigError> {
    match text {
        "0600" => Ok(0o600),
        "0660" => Ok(0o660),
        _ => Err(ConfigError::new(format!(
            "{setting}: {text:?} is neither \"0600\" (this user) nor \"0660\" (its group as well)"
        ))),
    }
}

fn proxy(text: &str) -> Result<Network, ConfigError> {
    text.parse::<Network>().map_err(|why| ConfigError::new(format!("server.trusted_proxies: {why}")))
}

fn header(text: &str) -> Result<ProxyHeader, ConfigError> {
    match text {
        "forwarded" => Ok(ProxyHeader::Forwarded),
        "x-forwarded-for" => Ok(ProxyHeader::XForwardedFor),
        _ => Err(ConfigError::new(format!(
            "server.proxy_header: {text:?} is neither \"forwarded\" nor \"x-forwarded-for\""
        ))),
    }
}

/// An origin as browsers send it (RFC 6454 §6.2): scheme, host in small letters, port if it is not the usual one.
fn origin(setting: &str, text: &str) -> Result<HeaderValue, ConfigError> {
    let wrong = || {
        ConfigError::new(format!(
            "{setting}.allowed_origins: {text:?} is no origin as browsers send it, like https://chat.example.com"
        ))
    };
    let rest = text.strip_prefix("https://").map(|rest| (rest, ":443"));
    let (rest, usual) = rest.or(text.strip_prefix("http://").map(|rest| (rest, ":80"))).ok_or_else(wrong)?;
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-._:[]".contains(&byte);
    if rest.is_empty() || !rest.bytes().all(plain) || rest.ends_with(usual) {
        return Err(wrong());
    }
    HeaderValue::from_str(text).map_err(|_| wrong())
}

fn patience(from: &Timeout, default: Patience) -> Patience {
    let or = |span: Option<Span>, default| span.map_or(default, |span| span.0);
    Patience {
        handshake: or(from.handshake, default.handshake),
        head: or(from.head, default.head),
        body: or(from.body, default.body),
        write: or(from.write, default.write),
    }
}

/// Writes into a `String` cannot fail, so their results are dropped.
pub(super) fn describe(out: &mut String, server: &Server) {
    let _ = writeln!(out, "server.listen = \"{}\", {}", server.listen, server.channel);
    if server.listen.tcp().is_none() {
        let _ = writeln!(out, "server.socket_mode = \"0{:o}\"", server.socket_mode);
    }
    if !server.trusted_proxies.is_empty() {
        let proxies: Vec<_> = server.trusted_proxies.iter().map(ToString::to_string).collect();
        let header = match server.proxy_header {
            ProxyHeader::Forwarded => "Forwarded",
            ProxyHeader::XForwardedFor => "X-Forwarded-For",
        };
        let _ = writeln!(out, "server.trusted_proxies: {header} of {}", proxies.join(", "));
    }
    if server.proxy_protocol {
        let _ = writeln!(out, "server.proxy_protocol = true: every connection begins with its header");
    }
    if let Some(url) = &server.external_url {
        let _ = writeln!(out, "server.external_url = \"{url}\"");
    }
    for origin in &server.origins {
        let _ = writeln!(out, "server.cors: {}", origin.to_str().unwrap_or_default());
    }
    let _ = writeln!(out, "server.max_body = \"{}B\"", server.max_body);
    let buffered = server.max_buffered.map(|most| format!("\"{most}B\""));
    let buffered = buffered.as_deref().unwrap_or("a quarter of the memory, 1 GiB at most");
    let _ = writeln!(out, "server.max_buffered = {buffered}");
    let _ = writeln!(out, "server.max_in_flight = {}", server.max_in_flight);
    let _ = writeln!(
        out,
        "server.max_connections = {}, {} from one address",
        server.max_connections, server.max_connections_per_address
    );
    let patience = &server.patience;
    let _ = writeln!(
        out,
        "server.timeout: {:?} for a handshake, {:?} for a head, {:?} between pieces of a body, {:?} unread",
        patience.handshake, patience.head, patience.body, patience.write
    );
    let _ = writeln!(out, "server.drain = \"{}ms\"", server.drain.as_millis());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(text: &str) -> Result<Server, ConfigError> {
        resolve(toml::from_str(text).expect("the shape"))
    }

    #[test]
    fn what_makes_no_sense_is_named() {
        for (text, said) in [
            ("tls = \"off\"", "server.tls"),
            ("tls = \"terminated-by-proxy\"", "trusted_proxies"),
            ("trusted_proxies = [\"10.0.0.0/8\"]", "terminated-by-proxy"),
            ("tls = { cert = \"a\", key = \"b\", client_auth = \"required\" }", "client_ca"),
            ("tls = { cert = \"a\", key = \"b\", client_ca = \"c\", client_auth = \"maybe\" }", "maybe"),
            ("trusted_proxies = [\"10.0.0.1/8\"]", "10.0.0.0/8"),
            ("tls = { cert = \"a\", key = \"b\", client_crl = [\"c\"] }", "client_crl: say in client_ca"),
            ("proxy_header = \"via\"", "via"),
            ("proxy_protocol = true", "trusted_proxies"),
            ("socket_mode = \"0666\"", "0666"),
            ("max_connections = 0", "max_connections"),
            ("max_buffered = \"1MiB\"", "max_body"),
        ] {
            let error = server(text).expect_err(text).to_string();
            assert!(error.contains(said), "{text}: {error}");
        }
    }

    #[test]
    fn an_origin_is_exact() {
        let cors = |origin: &str| server(&format!("cors = {{ allowed_origins = [\"{origin}\"] }}"));
        for right in ["https://chat.example.com", "http://localhost:3000", "http://[::1]:8080"] {
            assert_eq!(cors(right).unwrap().origins, [right]);
        }
        for wrong in ["*", "null", "chat.example.com", "https://", "https://a.example/", "https://A.example"]
        {
            assert!(cors(wrong).is_err(), "{wrong}");
        }
        assert!(cors("https://a.example:443").is_err(), "a browser leaves the usual port out");
    }

    #[test]
    fn a_client_certificate_is_required_unless_said_otherwise() {
        let tls = |more: &str| {
            let text = format!("tls = {{ cert = \"a\", key = \"b\", client_ca = \"c\"{more} }}");
            match server(&text).unwrap().channel {
                Channel::Tls(tls) => tls.client_optional,
                other => panic!("{other}"),
            }
        };
        assert!(!tls(""));
        assert!(!tls(", client_auth = \"required\""));
        assert!(tls(", client_auth = \"optional\""));
    }
}
