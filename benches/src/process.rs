//! Programs started for a run, and ended with it.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::scratch::Scratch;
use crate::{Result, procstat};

/// How long a program may take until it listens.
const PATIENCE: Duration = Duration::from_secs(30);

/// A server in a process of its own. Dropped, it is stopped.
#[derive(Debug)]
pub struct Server {
    child: Child,
    /// How to stop it in good order, for programs whose children would outlive a kill.
    stop: Option<Command>,
    addr: SocketAddr,
    /// Files it needs while it runs.
    _files: Scratch,
}

impl Server {
    /// Starts `command`, which is to listen on `addr`, and waits until it does.
    ///
    /// # Errors
    ///
    /// When it cannot be started, ends at once, or does not listen in time.
    pub fn start(
        mut command: Command,
        addr: SocketAddr,
        files: Scratch,
        stop: Option<Command>,
    ) -> Result<Self> {
        command.stdin(Stdio::null()).stdout(Stdio::null());
        let child = command.spawn().map_err(|error| format!("{:?}: {error}", command.get_program()))?;
        let mut server = Self { child, stop, addr, _files: files };
        server.await_listener()?;
        Ok(server)
    }

    /// Where it listens.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The process and its children.
    #[must_use]
    pub fn pids(&self) -> Vec<u32> {
        procstat::family(self.child.id())
    }

    /// Waits until `GET path` is answered with 200.
    ///
    /// # Errors
    ///
    /// When it is not in time; the last answer is in the text.
    pub fn await_ok(&mut self, path: &str) -> Result<()> {
        let began = Instant::now();
        loop {
            let answer = get(self.addr, path).unwrap_or_else(|error| error.to_string());
            if answer.starts_with("HTTP/1.1 200") {
                return Ok(());
            }
            self.check(began, &answer)?;
        }
    }

    /// Has it end in good order (SIGTERM) and waits until it has.
    ///
    /// # Errors
    ///
    /// When it does not end within a minute, or with an error.
    pub fn terminate(&mut self) -> Result<()> {
        Command::new("kill").arg("-TERM").arg(self.child.id().to_string()).status()?;
        let began = Instant::now();
        loop {
            match self.child.try_wait()? {
                Some(status) if status.success() => return Ok(()),
                Some(status) => return Err(format!("the server ended: {status}").into()),
                None if began.elapsed() > 2 * PATIENCE => return Err("the server does not end".into()),
                None => std::thread::sleep(Duration::from_millis(20)),
            }
        }
    }

    fn await_listener(&mut self) -> Result<()> {
        let began = Instant::now();
        while let Err(error) = TcpStream::connect(self.addr) {
            self.check(began, &error.to_string())?;
        }
        Ok(())
    }

    fn check(&mut self, began: Instant, seen: &str) -> Result<()> {
        if let Some(status) = self.child.try_wait()? {
            return Err(format!("the server on {} ended: {status}", self.addr).into());
        }
        if began.elapsed() > PATIENCE {
            return Err(format!("the server on {} is not ready: {seen}", self.addr).into());
        }
        std::thread::sleep(Duration::from_millis(20));
        Ok(())
    }
}

fn get(addr: SocketAddr, path: &str) -> io::Result<String> {
    let mut stream = TcpStream::connect(addr)?;
    stream.set_read_timeout(Some(Duration::from_secs(2)))?;
    write!(stream, "GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}

impl Drop for Server {
    fn drop(&mut self) {
        let stopped =
            self.stop.as_mut().is_some_and(|stop| stop.status().is_ok_and(|status| status.success()));
        if !stopped {
            let _ = self.child.kill();
        }
        let _ = self.child.wait();
    }
}

/// An address on loopback that nobody listens on at the moment.
///
/// # Errors
///
/// When there is none.
pub fn free_addr() -> io::Result<SocketAddr> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()
}
