use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::Sleep;

/// What a client sends before it is known which version of HTTP it speaks: as long as HTTP/2's preface (RFC 9113 §3.4).
const PREFACE: usize = 24;

/// A connection whose client has to begin soon, and to read on what it is sent.
///
/// Nobody else's timer runs before the version of HTTP is known, or while nothing can be written.
pub(super) struct Patience {
    stream: TcpStream,
    alarm: Option<Pin<Box<Sleep>>>,
    read: usize,
    stall: Duration,
    stalled: Option<Pin<Box<Sleep>>>,
}

impl Patience {
    /// The first bytes may take as long as `begin`, and a write may wait for the client as long as `stall`.
    pub(super) fn new(stream: TcpStream, begin: Duration, stall: Duration) -> Self {
        Self { stream, alarm: Some(Box::pin(tokio::time::sleep(begin))), read: 0, stall, stalled: None }
    }

    fn written(&mut self, cx: &mut Context<'_>, polled: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        if polled.is_ready() {
            self.stalled = None;
            return polled;
        }
        let stall = self.stall;
        let alarm = self.stalled.get_or_insert_with(|| Box::pin(tokio::time::sleep(stall)));
        alarm.as_mut().poll(cx).map(|()| Err(io::ErrorKind::TimedOut.into()))
    }
}

impl AsyncRead for Patience {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let polled = Pin::new(&mut self.stream).poll_read(cx, buf);
        if self.alarm.is_none() {
            return polled;
        }
        self.read += buf.filled().len() - before;
        if self.read >= PREFACE {
            self.alarm = None;
        }
        match self.alarm.as_mut().map(|alarm| alarm.as_mut().poll(cx)) {
            Some(Poll::Ready(())) if polled.is_pending() => Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
            _ => polled,
        }
    }
}

impl AsyncWrite for Patience {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write(cx, buf);
        self.written(cx, polled)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write_vectored(cx, bufs);
        self.written(cx, polled)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    const SOON: Duration = Duration::from_millis(20);

    async fn pair() -> (TcpStream, Patience) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (server, _) = listener.accept().await.unwrap();
        (client, Patience::new(server, SOON, SOON))
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
}
