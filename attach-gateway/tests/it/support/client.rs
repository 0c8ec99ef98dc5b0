//! A client that sees bytes: every header as it is sent, every piece of a stream when it comes.

use std::net::SocketAddr;
use std::time::Instant;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::PATIENCE;

/// One request to be made.
#[derive(Clone)]
pub(crate) struct Call {
    addr: SocketAddr,
    method: String,
    path: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Call {
    pub(crate) fn new(addr: SocketAddr, method: &str, path: &str) -> Self {
        Self { addr, method: method.into(), path: path.into(), headers: Vec::new(), body: Vec::new() }
    }

    /// Adds a header, spelled as it is.
    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    pub(crate) fn bearer(self, token: &str) -> Self {
        self.header("Authorization", &format!("Bearer {token}"))
    }

    pub(crate) fn json(self, body: &Value) -> Self {
        self.header("Content-Type", "application/json").body(body.to_string())
    }

    pub(crate) fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    /// Sends the body in chunks of so many bytes, without saying its length in advance.
    pub(crate) fn chunked(mut self, size: usize) -> Self {
        let mut body = Vec::new();
        for chunk in self.body.chunks(size) {
            body.extend(format!("{:x}\r\n", chunk.len()).into_bytes());
            body.extend_from_slice(chunk);
            body.extend_from_slice(b"\r\n");
        }
        body.extend_from_slice(b"0\r\n\r\n");
        self.body = body;
        self.header("Transfer-Encoding", "chunked")
    }

    fn bytes(&self) -> Vec<u8> {
        let mut head = format!("{} {} HTTP/1.1\r\nHost: {}\r\n", self.method, self.path, self.addr);
        for (name, value) in &self.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        let framing = |name: &str| {
            ["content-length", "transfer-encoding"].iter().any(|it| name.eq_ignore_ascii_case(it))
        };
        let sized = self.headers.iter().any(|(name, _)| framing(name));
        if !sized && !matches!(self.method.as_str(), "GET" | "HEAD") {
            head.push_str(&format!("Content-Length: {}\r\n", self.body.len()));
        }
        head.push_str("\r\n");
        [head.into_bytes(), self.body.clone()].concat()
    }

    /// Makes the request and reads the whole answer.
    pub(crate) async fn send(&self) -> Response {
        self.stream().await.whole().await
    }

    /// Makes the request and reads the answer's head.
    pub(crate) async fn stream(&self) -> Answer {
        self.stream_on(Connection::open(self.addr).await).await
    }

    /// Makes the request on a connection that is there.
    pub(crate) async fn stream_on(&self, mut connection: Connection) -> Answer {
        // A server that refuses early may close before it has read everything.
        let _ = connection.stream.write_all(&self.bytes()).await;
        connection.answer(self.method == "HEAD").await
    }
}

/// A connection, and what was read of it too early.
pub(crate) struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

#[derive(Debug, Clone, Copy)]
enum Framing {
    Length(usize),
    Chunked,
    UntilClose,
}

impl Connection {
    pub(crate) async fn open(addr: SocketAddr) -> Self {
        let stream = TcpStream::connect(addr).await.unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream, buffer: Vec::new() }
    }

    /// The same, from another address of this machine.
    pub(crate) async fn open_from(from: &str, addr: SocketAddr) -> Self {
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.bind(SocketAddr::new(from.parse().unwrap(), 0)).unwrap();
        Self { stream: socket.connect(addr).await.unwrap(), buffer: Vec::new() }
    }

    /// Reads more; false at the end.
    async fn fill(&mut self) -> bool {
        let read = tokio::time::timeout(PATIENCE, self.stream.read_buf(&mut self.buffer));
        matches!(read.await.expect("an answer in time"), Ok(1..))
    }

    async fn line(&mut self) -> Option<String> {
        loop {
            if let Some(end) = self.buffer.windows(2).position(|pair| pair == b"\r\n") {
                let line: Vec<u8> = self.buffer.drain(..end + 2).take(end).collect();
                return Some(String::from_utf8(line).unwrap());
            }
            if !self.fill().await {
                return None;
            }
        }
    }

    async fn answer(mut self, bodiless: bool) -> Answer {
        let mut status = 0;
        let mut headers: Vec<(String, String)> = Vec::new();
        while let Some(line) = self.line().await {
            match line.split_once(": ").or_else(|| line.split_once(':')) {
                _ if line.is_empty() && status != 100 => break,
                _ if line.starts_with("HTTP/1.") => status = line[9..12].parse().unwrap(),
                Some((name, value)) => headers.push((name.to_ascii_lowercase(), value.to_owned())),
                None => {}
            }
        }
        let find =
            |name: &str| headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone());
        let framing = match (find("transfer-encoding"), find("content-length")) {
            _ if bodiless || status == 204 => Framing::Length(0),
            (Some(_), _) => Framing::Chunked,
            (None, Some(length)) => Framing::Length(length.parse().unwrap()),
            (None, None) => Framing::UntilClose,
        };
        Answer { status, headers, framing, connection: self, over: false, broken: false }
    }
}

/// An answer that is still coming. Dropping it closes the connection.
pub(crate) struct Answer {
    pub(crate) status: u16,
    headers: Vec<(String, String)>,
    framing: Framing,
    connection: Connection,
    over: bool,
    broken: bool,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The request's id.
    pub(crate) fn id(&self) -> String {
        self.header("x-request-id").unwrap_or_default().to_owned()
    }

    /// The next piece, as it comes.
    pub(crate) async fn piece(&mut self) -> Option<Vec<u8>> {
        if self.over {
            return None;
        }
        let piece = match self.framing {
            Framing::Length(0) => None,
            Framing::Length(left) => {
                let piece = self.available(left).await;
                self.framing = Framing::Length(left - piece.as_ref().map_or(0, Vec::len));
                self.broken |= piece.is_none();
                piece
            }
            Framing::Chunked => self.chunk().await,
            Framing::UntilClose => self.available(usize::MAX).await,
        };
        self.over = piece.is_none();
        piece
    }

    async fn available(&mut self, most: usize) -> Option<Vec<u8>> {
        let connection = &mut self.connection;
        if connection.buffer.is_empty() && !connection.fill().await {
            return None;
        }
        let length = connection.buffer.len().min(most);
        Some(connection.buffer.drain(..length).collect())
    }

    async fn chunk(&mut self) -> Option<Vec<u8>> {
        let size = self.connection.line().await.and_then(|line| usize::from_str_radix(&line, 16).ok());
        let Some(size) = size else {
            self.broken = true;
            return None;
        };
        while self.connection.buffer.len() < size + 2 {
            if !self.connection.fill().await {
                self.broken = true;
                return None;
            }
        }
        let chunk: Vec<u8> = self.connection.buffer.drain(..size + 2).take(size).collect();
        (size > 0).then_some(chunk)
    }

    /// Everything that is still to come.
    pub(crate) async fn whole(self) -> Response {
        self.whole_and_connection().await.0
    }

    /// Everything that is still to come, and the connection for another request.
    pub(crate) async fn whole_and_connection(mut self) -> (Response, Connection) {
        let mut body = Vec::new();
        while let Some(piece) = self.piece().await {
            body.extend(piece);
        }
        let response = Response { status: self.status, headers: self.headers, body, broken: self.broken };
        (response, self.connection)
    }

    /// Reads until `text` has come; when that was, and what has come.
    pub(crate) async fn until(&mut self, text: &str) -> (Instant, String) {
        let mut seen = Vec::new();
        while let Some(piece) = self.piece().await {
            seen.extend(piece);
            if String::from_utf8_lossy(&seen).contains(text) {
                return (Instant::now(), String::from_utf8_lossy(&seen).into_owned());
            }
        }
        panic!("the answer ended without {text:?}: {}", String::from_utf8_lossy(&seen));
    }
}

/// A whole answer.
#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    /// The connection ended before the answer did.
    pub(crate) broken: bool,
}

impl Response {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn id(&self) -> String {
        self.header("x-request-id").unwrap_or_default().to_owned()
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("not JSON: {}", self.text()))
    }

    /// The stable code of a refusal, in any dialect.
    pub(crate) fn code(&self) -> String {
        let json = self.json();
        let places = [&json["error"]["code"], &json["code"]];
        places.into_iter().find_map(Value::as_str).unwrap_or_else(|| panic!("no code: {json}")).to_owned()
    }

    /// This answer, if it has this status.
    pub(crate) fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.text());
        assert!(!self.broken, "broken off: {}", self.text());
        self
    }
}
