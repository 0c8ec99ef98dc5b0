//! A server to be measured, and how it is asked.

use std::net::SocketAddr;
use std::time::Duration;

use crate::mock::CHAT_PATH;
use crate::process::Server;
use crate::{bodies, procstat};

/// What kind of call is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(clippy::exhaustive_enums, reason = "there is no third kind")]
pub enum Shape {
    /// One JSON body answers.
    Plain,
    /// Server-sent events answer.
    Streamed,
}

impl Shape {
    /// Both.
    pub const BOTH: [Self; 2] = [Self::Plain, Self::Streamed];

    /// The name in tables.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Streamed => "streamed",
        }
    }
}

/// One server.
#[derive(Debug)]
pub struct Target {
    /// The name in tables.
    pub name: String,
    addr: SocketAddr,
    token: Option<String>,
    server: Option<Server>,
}

impl Target {
    /// A server that runs elsewhere: the mock itself.
    #[must_use]
    pub fn direct(addr: SocketAddr) -> Self {
        Self { name: "direct".into(), addr, token: None, server: None }
    }

    /// A server in front of the mock.
    #[must_use]
    pub fn proxy(name: impl Into<String>, server: Server, token: &str) -> Self {
        let addr = server.addr();
        Self { name: name.into(), addr, token: Some(token.to_owned()), server: Some(server) }
    }

    /// Where it is.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Whether it is a process of its own, whose use can be told.
    #[must_use]
    pub fn is_proxy(&self) -> bool {
        self.server.is_some()
    }

    /// The request of a call.
    #[must_use]
    pub fn request(&self, shape: Shape) -> Vec<u8> {
        request(self.addr, CHAT_PATH, self.token.as_deref(), &bodies::chat(shape == Shape::Streamed))
    }

    /// Processor time up to now.
    #[must_use]
    pub fn cpu(&self) -> Duration {
        procstat::cpu(&self.pids())
    }

    /// Resident memory now and at most, in bytes.
    #[must_use]
    pub fn resident(&self) -> (u64, u64) {
        procstat::resident(&self.pids())
    }

    /// Looked up each time: a server may have its workers only after it listens.
    fn pids(&self) -> Vec<u32> {
        self.server.as_ref().map(Server::pids).unwrap_or_default()
    }
}

/// The bytes of `POST path` as client programs send it.
#[must_use]
pub fn request(addr: SocketAddr, path: &str, token: Option<&str>, body: &str) -> Vec<u8> {
    let authorization = token.map(|token| format!("authorization: Bearer {token}\r\n")).unwrap_or_default();
    format!(
        "POST {path} HTTP/1.1\r\nhost: {addr}\r\naccept: application/json\r\ncontent-type: application/json\r\n\
         user-agent: attach-bench/1\r\n{authorization}content-length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}
