//! What the tests share: a directory, a server, a client that sees bytes as they arrive, a schema checker.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use attach_audit::{Memory, verify};
use attach_core::{BoxError, Exchange, Identity, Peer};
use axum::Router;
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

/// A directory that goes with the test.
pub(crate) struct Dir(PathBuf);

impl Dir {
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let n = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("attach-audit-it-{}-{n}", std::process::id()));
        std::fs::create_dir_all(&path).expect("a temporary directory");
        Self(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// The segments, in order.
    pub(crate) fn segments(&self) -> Vec<PathBuf> {
        let entries =
            std::fs::read_dir(&self.0).expect("listable").map(|entry| entry.expect("an entry").path());
        let mut files: Vec<_> =
            entries.filter(|path| path.extension().is_some_and(|e| e == "jsonl")).collect();
        files.retain(|path| {
            !path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"content-"))
        });
        files.sort();
        files
    }

    /// All records, in order, each held against the schema; the log is verified as well.
    pub(crate) fn records(&self) -> Vec<Value> {
        verify::verify(self.path()).expect("the log verifies");
        let text: String =
            self.segments().iter().map(|file| std::fs::read_to_string(file).expect("readable")).collect();
        text.lines().map(super::schema::checked).collect()
    }
}

impl Drop for Dir {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

pub(crate) fn kinds(records: &[Value]) -> Vec<&str> {
    records.iter().map(|record| record["kind"].as_str().expect("a kind")).collect()
}

/// The records in memory, parsed.
pub(crate) fn parsed(records: &Memory) -> Vec<Value> {
    records.lines().iter().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

/// Says that alice calls.
pub(crate) async fn alice(mut request: Request, next: Next) -> Response {
    let mut alice = Identity::person("acme", "00u-alice");
    alice.email = Some("alice@example.test".into());
    alice.name = Some("Alice Example".into());
    Exchange::of_request(&mut request).identify(Arc::new(alice));
    next.run(request).await
}

/// Says that the connection is from `10.0.0.9`.
pub(crate) async fn peer(mut request: Request, next: Next) -> Response {
    request.extensions_mut().insert(Peer::new(([10, 0, 0, 9], 4242).into()));
    next.run(request).await
}

pub(crate) async fn serve(router: Router) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let addr = listener.local_addr().expect("bound");
    tokio::spawn(async move { axum::serve(listener, router).await });
    addr
}

/// A body fed from outside.
pub(crate) struct Fed {
    frames: mpsc::UnboundedReceiver<Result<Bytes, BoxError>>,
    length: Option<u64>,
    dropped: Option<tokio::sync::oneshot::Sender<()>>,
}

pub(crate) type Feed = mpsc::UnboundedSender<Result<Bytes, BoxError>>;

impl Fed {
    pub(crate) fn new(length: Option<u64>) -> (Feed, Self) {
        let (feed, frames) = mpsc::unbounded_channel();
        (feed, Self { frames, length, dropped: None })
    }

    pub(crate) fn noticing(mut self, dropped: tokio::sync::oneshot::Sender<()>) -> Self {
        self.dropped = Some(dropped);
        self
    }
}

impl Body for Fed {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        self.frames.poll_recv(cx).map_ok(Frame::data)
    }

    fn size_hint(&self) -> SizeHint {
        self.length.map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}

impl Drop for Fed {
    fn drop(&mut self) {
        if let Some(dropped) = self.dropped.take() {
            let _ = dropped.send(());
        }
    }
}

/// A client that sees the answer's bytes as they arrive.
pub(crate) struct Wire {
    stream: TcpStream,
    seen: String,
}

impl Wire {
    pub(crate) async fn send(addr: SocketAddr, request: &str) -> Self {
        let mut stream = TcpStream::connect(addr).await.expect("a connection");
        stream.write_all(request.as_bytes()).await.expect("sent");
        Self { stream, seen: String::new() }
    }

    pub(crate) async fn post(addr: SocketAddr, path: &str) -> Self {
        Self::send(
            addr,
            &format!("POST {path} HTTP/1.1\r\nhost: t\r\nuser-agent: it\r\ncontent-length: 2\r\n\r\n{{}}"),
        )
        .await
    }

    /// Reads until `needle` has arrived.
    pub(crate) async fn until(&mut self, needle: &str) -> &str {
        while !self.seen.contains(needle) {
            assert!(self.more(Duration::from_secs(5)).await, "no {needle:?} in {:?}", self.seen);
        }
        &self.seen
    }

    /// Whether `needle` stays away for a while.
    pub(crate) async fn lacks(&mut self, needle: &str) -> bool {
        while self.more(Duration::from_millis(100)).await {}
        !self.seen.contains(needle)
    }

    /// Reads to the end of the connection.
    pub(crate) async fn rest(mut self) -> String {
        while self.more(Duration::from_secs(5)).await {}
        self.seen
    }

    async fn more(&mut self, patience: Duration) -> bool {
        let mut buffer = [0; 4096];
        match tokio::time::timeout(patience, self.stream.read(&mut buffer)).await {
            Ok(Ok(n)) if n > 0 => {
                self.seen.push_str(&String::from_utf8_lossy(&buffer[..n]));
                true
            }
            _ => false,
        }
    }
}

/// Waits until `is_so`.
pub(crate) async fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    for _ in 0..500 {
        if is_so() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("never: {what}");
}
