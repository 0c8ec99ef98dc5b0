//! A connection to a receiver, and how to find that it has ended.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

/// How long a connection may take to come about, TLS included.
const CONNECT: Duration = Duration::from_secs(5);
/// How long a batch may take to be taken.
const WRITE: Duration = Duration::from_secs(10);
/// How long a receiver has to turn a new connection down. In TLS 1.3 the client is done before the server has looked at
/// its certificate, so that a refusal comes late.
const REFUSAL: Duration = Duration::from_millis(500);

/// How long a connection is looked at before it is written to: the runtime has to see what the kernel knows.
const LOOK: Duration = Duration::from_millis(2);

/// Where to connect, and how.
#[derive(Debug, Clone)]
pub(super) struct Address {
    pub(super) host: Box<str>,
    pub(super) port: u16,
    pub(super) tls: Option<(ServerName<'static>, Arc<ClientConfig>)>,
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// An open connection.
pub(super) struct Connection(Box<dyn Stream>);

impl Connection {
    /// Connects, and waits a moment for a refusal.
    pub(super) async fn open(address: &Address) -> io::Result<Self> {
        let mut connection = timeout(CONNECT, Self::connect(address)).await??;
        match timeout(REFUSAL, connection.ended()).await {
            Ok(error) => Err(error),
            Err(_) => Ok(connection),
        }
    }

    async fn connect(address: &Address) -> io::Result<Self> {
        let stream = TcpStream::connect((&*address.host, address.port)).await?;
        stream.set_nodelay(true)?;
        let Some((name, client)) = &address.tls else { return Ok(Self(Box::new(stream))) };
        let connector = TlsConnector::from(Arc::clone(client));
        Ok(Self(Box::new(connector.connect(name.clone(), stream).await?)))
    }

    /// Writes all of it. The connection is of no use after an error: a frame may have been cut.
    pub(super) async fn write(&mut self, frames: &[u8]) -> io::Result<()> {
        let write = async {
            self.0.write_all(frames).await?;
            self.0.flush().await
        };
        timeout(WRITE, write).await?
    }

    /// Whether the receiver has closed it, as far as is known here.
    pub(super) async fn is_over(&mut self) -> bool {
        timeout(LOOK, self.ended()).await.is_ok()
    }

    /// Reads until there is nothing more to come; a receiver says nothing (RFC 5425 §4.3), and what it says is nothing to us.
    async fn ended(&mut self) -> io::Error {
        let mut bytes = [0; 512];
        loop {
            let mut buffer = ReadBuf::new(&mut bytes);
            match poll_fn(|cx| Pin::new(&mut self.0).poll_read(cx, &mut buffer)).await {
                Ok(()) if buffer.filled().is_empty() => {
                    return io::Error::new(
                        io::ErrorKind::ConnectionReset,
                        "the receiver closed the connection",
                    );
                }
                Ok(()) => {}
                Err(error) => return error,
            }
        }
    }

    /// Says good-bye, for TLS a `close_notify` (RFC 5425 §4.4).
    pub(super) async fn close(mut self) {
        let _ = timeout(REFUSAL, self.0.shutdown()).await;
    }
}
