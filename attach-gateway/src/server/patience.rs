use std::future::{Future, poll_fn};
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Sleep;

use super::framing::{Framing, LengthSaid};
use super::stream::Stream;

/// What a client sends before it is known which version of HTTP it speaks: as long as HTTP/2's preface (RFC 9113 §3.4).
const PREFACE: usize = 24;

/// What a client is told that did not finish its request's head in time (RFC 9110 §15.5.9).
const TOO_LATE: &[u8] = b"HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";

/// How long that may take.
const FAREWELL: Duration = Duration::from_secs(1);

/// A connection whose client has to begin soon, and to read on what it is sent.
///
/// Nobody else's timer runs before the version of HTTP is known, or while nothing can be written. Clones are the same
/// connection: what HTTP gave up can be told why.
#[derive(Clone)]
pub(super) struct Patience(Arc<Mutex<Inner>>);

struct Inner {
    stream: Stream,
    framing: Framing,
    alarm: Option<Pin<Box<Sleep>>>,
    read: usize,
    /// Something was read to which nothing was written yet.
    unanswered: bool,
    stall: Duration,
    stalled: Option<Pin<Box<Sleep>>>,
}

impl Patience {
    /// The first bytes may take as long as `begin`, and a write may wait for the client as long as `stall`.
    pub(super) fn new(stream: Stream, begin: Duration, stall: Duration) -> Self {
        Self(Arc::new(Mutex::new(Inner {
            stream,
            framing: Framing::default(),
            alarm: Some(Box::pin(tokio::time::sleep(begin))),
            read: 0,
            unanswered: false,
            stall,
            stalled: None,
        })))
    }

    /// Whether a request's head named a length.
    pub(super) fn length_said(&self) -> LengthSaid {
        self.inner().framing.said()
    }

    /// Tells a client that has begun a request of HTTP/1 that it took too long.
    pub(super) async fn too_late(&self) {
        if !self.inner().unanswered || self.inner().framing.is_http2() {
            return;
        }
        let mut left = TOO_LATE;
        let told = poll_fn(|cx| {
            let mut inner = self.inner();
            while !left.is_empty() {
                let written = ready!(Pin::new(&mut inner.stream).poll_write(cx, left))?;
                left = left.get(written.max(1)..).unwrap_or_default();
            }
            ready!(Pin::new(&mut inner.stream).poll_flush(cx))?;
            Pin::new(&mut inner.stream).poll_shutdown(cx)
        });
        let _ = tokio::time::timeout(FAREWELL, told).await;
    }

    /// Nobody else holds it for longer than a poll.
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn written<T>(&mut self, cx: &mut Context<'_>, polled: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if polled.is_ready() {
            self.stalled = None;
            return polled;
        }
        let stall = self.stall;
        let alarm = self.stalled.get_or_insert_with(|| Box::pin(tokio::time::sleep(stall)));
        alarm.as_mut().poll(cx).map(|()| Err(io::ErrorKind::TimedOut.into()))
    }

    fn read(&mut self, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let polled = Pin::new(&mut self.stream).poll_read(cx, buf);
        let new = buf.filled().get(before..).unwrap_or_default();
        if !new.is_empty() {
            self.unanswered = true;
            self.framing.read(new);
            self.read = self.read.saturating_add(new.len());
        }
        if self.read >= PREFACE {
            self.alarm = None;
        }
        match self.alarm.as_mut().map(|alarm| alarm.as_mut().poll(cx)) {
            Some(Poll::Ready(())) if polled.is_pending() => Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
            _ => polled,
        }
    }
}

impl AsyncRead for Patience {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.inner().read(cx, buf)
    }
}

impl AsyncWrite for Patience {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let mut inner = self.inner();
        inner.unanswered = false;
        let polled = Pin::new(&mut inner.stream).poll_write(cx, buf);
        inner.written(cx, polled)
    }

    /// With TLS, what was written may wait here.
    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut inner = self.inner();
        let polled = Pin::new(&mut inner.stream).poll_flush(cx);
        inner.written(cx, polled)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut inner = self.inner();
        let polled = Pin::new(&mut inner.stream).poll_shutdown(cx);
        inner.written(cx, polled)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let mut inner = self.inner();
        inner.unanswered = false;
        let polled = Pin::new(&mut inner.stream).poll_write_vectored(cx, bufs);
        inner.written(cx, polled)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner().stream.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::{TcpListener, TcpStream};

    use super::super::stream::Socket;
    use super::*;

    const SOON: Duration = Duration::from_millis(20);

    async fn pair() -> (TcpStream, Patience) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (server, _) = listener.accept().await.unwrap();
        (client, Patience::new(Stream::Clear(Socket::Tcp(server)), SOON, SOON))
    }

    #[tokio::test]
    async fn a_client_that_says_nothing_is_given_up() {
        let (mut client, mut server) = pair().await;
        client.write_all(b"PRI").await.unwrap();
        let error = server.read_to_end(&mut Vec::new()).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }

    #[tokio::test]
    async fn a_client_that_has_begun_may_pause() {
        let (mut client, mut server) = pair().await;
        client.write_all(b"GET / HTTP/1.1\r\nhost: example.com\r\n\r\n").await.unwrap();
        let mut buffer = [0; 64];
        assert!(server.read(&mut buffer).await.unwrap() >= PREFACE);
        tokio::time::sleep(Duration::from_millis(60)).await;
        client.write_all(b"more").await.unwrap();
        assert_eq!(server.read(&mut buffer).await.unwrap(), 4);
    }

    #[tokio::test]
    async fn a_client_that_does_not_read_is_given_up() {
        let (_client, mut server) = pair().await;
        let error = server.write_all(&vec![0; 64 << 20]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }

    #[tokio::test]
    async fn only_who_has_begun_is_told_that_it_is_too_late() {
        for (sent, told) in [("GET / HT", TOO_LATE), ("", b""), ("PRI * HTTP/2.0\r\n", b"")] {
            let (mut client, mut server) = pair().await;
            client.write_all(sent.as_bytes()).await.unwrap();
            server.read_to_end(&mut Vec::new()).await.unwrap_err();
            server.too_late().await;
            drop(server);
            let mut answer = Vec::new();
            client.read_to_end(&mut answer).await.unwrap();
            assert_eq!(answer, told, "{sent:?}");
        }
    }
}
