//! The clients.

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::calls::{Kind, Requests};
use crate::histogram::Histogram;
use crate::wire::Connection;

/// Connections at a time, each with a thread of its own.
const CONNECTIONS: usize = 48;

/// What the clients saw.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    /// The id of each call that got an answer, or its head, in no order.
    pub(super) answered: Vec<(u128, Kind)>,
    /// Calls that were sent.
    pub(super) sent: u64,
    /// Of them, those of which the client cannot know the id.
    pub(super) nameless: u64,
    /// Refusals of callers nobody knows.
    pub(super) unknown: u64,
    /// What went otherwise than it should.
    pub(super) failures: Vec<String>,
    /// To the last byte of answers with 200, from when they were due.
    pub(super) latency: Histogram,
}

impl Ledger {
    fn merge(&mut self, mut other: Self) {
        self.answered.append(&mut other.answered);
        self.sent += other.sent;
        self.nameless += other.nameless;
        self.unknown += other.unknown;
        self.failures.append(&mut other.failures);
        self.latency.merge(&other.latency);
    }
}

/// Makes calls at `rate` a second for `time`, whatever they take.
pub(super) fn drive(addr: SocketAddr, token: &str, rate: f64, time: Duration) -> Ledger {
    let requests = Requests::new(addr, token);
    let (next, began) = (AtomicU64::new(0), Instant::now());
    let last = (rate * time.as_secs_f64()) as u64;
    let due = |number: u64| began + Duration::from_secs_f64(number as f64 / rate);
    let client = || {
        let mut client = Client { addr, connection: None, ledger: Ledger::default() };
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= last {
                return client.ledger;
            }
            thread::sleep(due(number).saturating_duration_since(Instant::now()));
            client.call(Kind::of(number), &requests, due(number));
        }
    };
    let mut ledger = Ledger::default();
    thread::scope(|scope| {
        let clients: Vec<_> = (0..CONNECTIONS).map(|_| scope.spawn(client)).collect();
        clients.into_iter().filter_map(|client| client.join().ok()).for_each(|part| ledger.merge(part));
    });
    ledger
}

struct Client {
    addr: SocketAddr,
    connection: Option<Connection>,
    ledger: Ledger,
}

impl Client {
    fn call(&mut self, kind: Kind, requests: &Requests, due: Instant) {
        self.ledger.sent += 1;
        if let Err(error) = self.exchange(kind, requests.of(kind), due) {
            self.connection = None;
            self.ledger.failures.push(format!("{kind:?}: {error}"));
        }
    }

    fn exchange(&mut self, kind: Kind, request: &[u8], due: Instant) -> io::Result<()> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => Connection::open(self.addr)?,
        };
        if matches!(kind, Kind::Leaves | Kind::LeavesAtOnce) {
            match connection.leave(request, kind == Kind::LeavesAtOnce)? {
                Some(id) => self.ledger.answered.push((id, kind)),
                None => self.ledger.nameless += 1,
            }
            return Ok(());
        }
        let answer = connection.call(request, |_| {})?;
        let id = answer.id.ok_or_else(|| io::Error::other("an answer without an id"))?;
        self.ledger.answered.push((id, kind));
        self.ledger.unknown += u64::from(kind == Kind::Unknown);
        if answer.status != kind.status() {
            return Err(io::Error::other(format!("answered {}", answer.status)));
        }
        if answer.status == 200 {
            self.ledger.latency.record(due.elapsed());
        }
        self.connection = answer.keep_alive.then_some(connection);
        Ok(())
    }
}
