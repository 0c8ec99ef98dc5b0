//! Bytes over a socket as they are, for what no client program would send.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::PATIENCE;

/// What came back.
#[derive(Debug)]
pub(crate) struct Heard {
    pub(crate) text: String,
    /// The server closed the connection.
    pub(crate) closed: bool,
}

/// Sends `bytes` and hears the server out.
pub(crate) async fn send(addr: SocketAddr, bytes: impl AsRef<[u8]>) -> Heard {
    let mut stream = TcpStream::connect(addr).await.unwrap();
    stream.set_nodelay(true).unwrap();
    let _ = stream.write_all(bytes.as_ref()).await;
    hear(&mut stream).await
}

/// Reads until the server closes.
pub(crate) async fn hear(stream: &mut TcpStream) -> Heard {
    let mut answer = Vec::new();
    let closed = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut answer)).await.is_ok();
    Heard { text: String::from_utf8_lossy(&answer).into_owned(), closed }
}

/// A request's head for a body that follows, with an empty line at its end.
pub(crate) fn head(method: &str, path: &str, headers: &[&str]) -> String {
    let mut head = format!("{method} {path} HTTP/1.1\r\nHost: gateway.example\r\n");
    for header in headers {
        head.push_str(header);
        head.push_str("\r\n");
    }
    head + "\r\n"
}

impl Heard {
    /// The statuses of all answers that came.
    pub(crate) fn statuses(&self) -> Vec<u16> {
        let answers = self.text.match_indices("HTTP/1.1 ");
        answers.map(|(at, name)| self.text[at + name.len()..][..3].parse().unwrap()).collect()
    }

    /// One refusal, and the connection closed after it.
    #[track_caller]
    pub(crate) fn expect_closed(&self, status: u16) {
        assert!(self.closed, "still open: {}", self.text);
        assert_eq!(self.statuses(), [status], "{}", self.text);
    }
}
