//! The smallest HTTP/1.1 client that does: a blocking socket, requests as ready bytes, answers read to their end.
//!
//! A client of a real library would cost more processor time than what is measured.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::ops::Range;
use std::time::{Duration, Instant};

use memchr::memmem;

/// How long an answer may pause before the run counts it as failed.
const PATIENCE: Duration = Duration::from_secs(10);

/// One keep-alive connection.
#[derive(Debug)]
pub struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
    /// What of the buffer has been read from the socket but not consumed.
    unread: Range<usize>,
}

/// One answer.
#[derive(Debug, Clone, Copy)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// When the first byte of the body was there.
    pub first: Instant,
    /// The length of the body.
    pub bytes: usize,
    /// Whether the server will take another request on this connection.
    pub keep_alive: bool,
    /// The UUID in `X-Request-Id`, if there is one.
    pub id: Option<u128>,
}

/// What of an answer's head matters.
struct Head {
    status: u16,
    framing: Framing,
    keep_alive: bool,
    id: Option<u128>,
}

/// How the end of a body is told.
enum Framing {
    Length(usize),
    Chunked,
}

impl Connection {
    /// Connects to `addr`, `TCP_NODELAY` set.
    ///
    /// # Errors
    ///
    /// When nobody listens there.
    pub fn open(addr: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect_timeout(&addr, PATIENCE)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        Ok(Self { stream, buffer: vec![0; 16 << 10], unread: 0..0 })
    }

    /// Sends `request` and reads its answer, whose body goes to `sink` piece by piece.
    ///
    /// # Errors
    ///
    /// When the connection breaks, pauses for too long, or what comes is not HTTP/1.1 with a length or in chunks.
    pub fn call(&mut self, request: &[u8], mut sink: impl FnMut(&[u8])) -> io::Result<Answer> {
        self.stream.write_all(request)?;
        let Head { status, framing, keep_alive, id } = self.head()?;
        let mut answer = Answer { status, first: Instant::now(), bytes: 0, keep_alive, id };
        match framing {
            Framing::Length(length) => {
                if length > 0 && self.unread.is_empty() {
                    self.fill()?;
                    answer.first = Instant::now();
                }
                self.pass(length, &mut sink)?;
                answer.bytes = length;
            }
            Framing::Chunked => loop {
                let size = self.chunk_size()?;
                if answer.bytes == 0 {
                    answer.first = Instant::now();
                }
                if size == 0 {
                    self.end_of_chunks()?;
                    break;
                }
                self.pass(size, &mut sink)?;
                self.pass(2, &mut |_: &[u8]| {})?;
                answer.bytes += size;
            },
        }
        Ok(answer)
    }

    /// Sends `request` and leaves: at once, or when the head of the answer is there, whose id is returned.
    ///
    /// # Errors
    ///
    /// As [`call`](Self::call).
    pub fn leave(mut self, request: &[u8], at_once: bool) -> io::Result<Option<u128>> {
        self.stream.write_all(request)?;
        if at_once { Ok(None) } else { Ok(self.head()?.id) }
    }

    fn head(&mut self) -> io::Result<Head> {
        let end = loop {
            if let Some(at) = memmem::find(&self.buffer[self.unread.clone()], b"\r\n\r\n") {
                break self.unread.start + at + 4;
            }
            self.fill()?;
        };
        let head = parse_head(&self.buffer[self.unread.start..end]);
        self.unread.start = end;
        head.ok_or_else(|| malformed("not the head of an answer with a length or in chunks"))
    }

    fn line(&mut self) -> io::Result<Range<usize>> {
        loop {
            if let Some(at) = memmem::find(&self.buffer[self.unread.clone()], b"\r\n") {
                let line = self.unread.start..self.unread.start + at;
                self.unread.start = line.end + 2;
                return Ok(line);
            }
            self.fill()?;
        }
    }

    fn chunk_size(&mut self) -> io::Result<usize> {
        let line = self.line()?;
        let text = std::str::from_utf8(&self.buffer[line]).unwrap_or_default();
        let digits = text.split(';').next().unwrap_or_default().trim();
        usize::from_str_radix(digits, 16).map_err(|_| malformed("not the size of a chunk"))
    }

    fn end_of_chunks(&mut self) -> io::Result<()> {
        while !self.line()?.is_empty() {}
        Ok(())
    }

    fn pass(&mut self, mut left: usize, sink: &mut impl FnMut(&[u8])) -> io::Result<()> {
        while left > 0 {
            if self.unread.is_empty() {
                self.fill()?;
            }
            let taken = left.min(self.unread.len());
            sink(&self.buffer[self.unread.start..self.unread.start + taken]);
            self.unread.start += taken;
            left -= taken;
        }
        Ok(())
    }

    fn fill(&mut self) -> io::Result<()> {
        if self.unread.is_empty() {
            self.unread = 0..0;
        } else if self.unread.end == self.buffer.len() {
            self.buffer.copy_within(self.unread.clone(), 0);
            self.unread = 0..self.unread.len();
            if self.unread.end == self.buffer.len() {
                self.buffer.resize(self.buffer.len() * 2, 0);
            }
        }
        match self.stream.read(&mut self.buffer[self.unread.end..])? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            read => {
                self.unread.end += read;
                Ok(())
            }
        }
    }
}

fn parse_head(head: &[u8]) -> Option<Head> {
    let mut lines = std::str::from_utf8(head).ok()?.split("\r\n");
    let status = lines.next()?.strip_prefix("HTTP/1.1 ")?.get(..3)?.parse().ok()?;
    let (mut framing, mut keep_alive, mut id) = (None, true, None);
    for (name, value) in lines.filter_map(|line| line.split_once(':')) {
        let value = value.trim();
        if name.eq_ignore_ascii_case("content-length") {
            framing = Some(Framing::Length(value.parse().ok()?));
        } else if name.eq_ignore_ascii_case("transfer-encoding") && value.eq_ignore_ascii_case("chunked") {
            framing = Some(Framing::Chunked);
        } else if name.eq_ignore_ascii_case("connection") && value.eq_ignore_ascii_case("close") {
            keep_alive = false;
        } else if name.eq_ignore_ascii_case("x-request-id") {
            id = uuid(value);
        }
    }
    Some(Head { status, framing: framing?, keep_alive, id })
}

/// The 128 bits of a UUID (RFC 9562 section 4).
#[must_use]
pub fn uuid(text: &str) -> Option<u128> {
    let digits: String = text.chars().filter(|c| *c != '-').collect();
    (digits.len() == 32).then(|| u128::from_str_radix(&digits, 16).ok())?
}

fn malformed(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    /// What a client reads when a server writes these pieces.
    fn read(pieces: &'static [&'static str]) -> (Answer, String) {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let addr = listener.local_addr().expect("an address");
        let server = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().expect("a client");
            let _ = stream.read(&mut [0; 64]).expect("a request");
            for piece in pieces {
                stream.write_all(piece.as_bytes()).expect("is taken");
            }
        });
        let mut connection = Connection::open(addr).expect("connects");
        let mut body = String::new();
        let sink = |bytes: &[u8]| body.push_str(&String::from_utf8_lossy(bytes));
        let answer = connection.call(b"GET / HTTP/1.1\r\n\r\n", sink).expect("an answer");
        server.join().expect("no panic");
        (answer, body)
    }

    #[test]
    fn an_answer_with_a_length_is_read_to_its_end() {
        let (answer, body) = read(&["HTTP/1.1 200 OK\r\nContent-Le", "ngth: 5\r\n\r\nhe", "llo"]);
        assert_eq!((answer.status, answer.bytes, body.as_str()), (200, 5, "hello"));
    }

    #[test]
    fn chunks_are_put_together() {
        let (answer, body) = read(&[
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n3\r\nab",
            "c\r\n2;x=y\r\nde\r\n0",
            "\r\n\r\n",
        ]);
        assert_eq!((answer.bytes, answer.keep_alive, body.as_str()), (5, false, "abcde"));
    }
}
