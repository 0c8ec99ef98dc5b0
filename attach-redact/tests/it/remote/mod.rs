//! Engines behind a network, on real sockets.

#[cfg(feature = "bedrock")]
mod bedrock;
mod presidio;
pub(crate) mod server;
mod trouble;
mod webhook;

use std::sync::Arc;

use attach_core::client::Client;
use attach_redact::remote::Remote;
use attach_redact::{Inspect, Redactor, WhenDown};

use crate::support::{CHAT, Seen, call_in_pieces};

/// Asks through the client that comes with the workspace, with patience for a slow machine.
pub(crate) fn remote() -> Remote {
    let client = Client::new().unwrap().with_timeout(PATIENCE).with_max_bytes(64 << 10);
    Remote::new(Arc::new(client)).deadline(PATIENCE)
}

const PATIENCE: std::time::Duration = std::time::Duration::from_secs(30);

fn redactor(inspector: impl Inspect, when_down: WhenDown) -> Redactor {
    Redactor::builder().key(b"0123456789abcdef").inspector(inspector, when_down).build().unwrap()
}

/// A call of a model that answers with what it got.
async fn called(inspector: impl Inspect, body: &str) -> Seen {
    let redactor = redactor(inspector, WhenDown::Closed);
    call_in_pieces(redactor, CHAT, body, "application/json", usize::MAX, str::to_owned).await
}
