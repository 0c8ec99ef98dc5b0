use std::fmt;
use std::io;
use std::sync::Arc;

use attach_core::fetch::error_chain;
use rustls::pki_types::ServerName;
use tokio::sync::Mutex;

use super::connection::{Address, Connection};
use super::message::Encoder;
use super::tls;
use crate::egress::program::Program;
use crate::egress::{Batch, Delivered, InvalidTarget, SendError, SendFuture, Target, Tls};
use crate::format::Format;

/// Sends records to a syslog receiver. Needs a Tokio runtime.
#[derive(Clone)]
pub struct Syslog {
    name: Arc<str>,
    address: Address,
    encoder: Encoder,
    state: Arc<Mutex<State>>,
}

/// The connection, and what was written to it last.
#[derive(Default)]
struct State {
    connection: Option<Connection>,
    last: Option<Batch>,
}

impl Syslog {
    /// Over TLS; the usual port is 6514 (RFC 5425 §4.1).
    ///
    /// # Errors
    ///
    /// If `host` cannot be in a certificate, or a certificate or key cannot be read.
    pub fn tls(name: &str, host: &str, port: u16, tls: &Tls) -> Result<Self, InvalidTarget> {
        let expected = tls.server_name.as_deref().unwrap_or(host).to_owned();
        let expected = ServerName::try_from(expected)
            .map_err(|_| InvalidTarget::new("the server's name is neither a host name nor an IP address"))?;
        let client = tls::client(tls).map_err(|error| InvalidTarget::new(error.to_string()))?;
        Ok(Self::at(name, Address { host: host.into(), port, tls: Some((expected, client)) }))
    }

    /// Over TCP without TLS (RFC 6587, octet counting): whoever is on the way can read and change what is sent.
    #[must_use]
    pub fn plain(name: &str, host: &str, port: u16) -> Self {
        Self::at(name, Address { host: host.into(), port, tls: None })
    }

    fn at(name: &str, address: Address) -> Self {
        Self { name: name.into(), address, encoder: Encoder::default(), state: Arc::default() }
    }

    /// Sets the form of the message; the line as it is in the log by default.
    #[must_use]
    pub fn format(mut self, format: Format) -> Self {
        self.encoder.format = format;
        self
    }

    /// Names the program, `<name>/<version>`; the name is the message's `APP-NAME`.
    #[must_use]
    pub fn build(mut self, build: &str) -> Self {
        self.encoder.program = Program::new(build);
        self
    }

    /// Sets the facility, 0 to 23 (RFC 5424 §6.2.1); 13, "log audit", by default.
    ///
    /// # Errors
    ///
    /// If there is no such facility.
    pub fn facility(mut self, facility: u8) -> Result<Self, InvalidTarget> {
        if facility > 23 {
            return Err(InvalidTarget::new("a syslog facility is a number from 0 to 23"));
        }
        self.encoder.facility = facility;
        Ok(self)
    }

    /// Sets the private enterprise number in `[attach@<number> …]` (RFC 5424 §7.2.2); by default 32473, which is reserved
    /// for documentation (RFC 5612), for this project has none.
    #[must_use]
    pub fn enterprise(mut self, number: u32) -> Self {
        self.encoder.enterprise = number;
        self
    }

    async fn deliver(self, batch: Batch) -> Result<Delivered, SendError> {
        let mut state = self.state.lock().await;
        let sent = self.write(&mut state, &batch).await;
        sent.map_err(|error| SendError::unavailable(error_chain(&error)))?;
        state.last = Some(batch);
        Ok(Delivered::all())
    }

    /// Whatever fails, or is given up on half-way, leaves no connection behind.
    async fn write(&self, state: &mut State, batch: &Batch) -> io::Result<()> {
        let mut frames = Vec::new();
        let mut connection = match still_open(state.connection.take()).await {
            Some(open) => open,
            None => {
                let fresh = Connection::open(&self.address).await?;
                state.last.iter().for_each(|last| self.encode(last, &mut frames));
                fresh
            }
        };
        self.encode(batch, &mut frames);
        connection.write(&frames).await?;
        state.connection = Some(connection);
        Ok(())
    }

    fn encode(&self, batch: &Batch, frames: &mut Vec<u8>) {
        batch.lines().iter().for_each(|line| self.encoder.frame(line, frames));
    }
}

impl Target for Syslog {
    fn name(&self) -> &str {
        &self.name
    }

    fn send(&self, batch: Batch) -> SendFuture {
        Box::pin(self.clone().deliver(batch))
    }
}

async fn still_open(connection: Option<Connection>) -> Option<Connection> {
    let mut connection = connection?;
    if connection.is_over().await {
        connection.close().await;
        return None;
    }
    Some(connection)
}

/// Shows no record.
impl fmt::Debug for Syslog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Syslog")
            .field("name", &self.name)
            .field("host", &self.address.host)
            .field("port", &self.address.port)
            .field("tls", &self.address.tls.is_some())
            .finish_non_exhaustive()
    }
}
