//! The load: as many calls as a server takes (closed loop), or so many a second whatever it takes (open loop).
//!
//! In the open loop a call's latency is counted from the moment it was due, not from when a connection was free for
//! it. A server that stalls cannot hide the calls that would have come meanwhile (coordinated omission).

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Barrier, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

use crate::Result;
use crate::histogram::Histogram;
use crate::wire::Connection;

/// Calls on each connection before anything is measured.
const WARM_UP: usize = 3;

/// What is sent, to whom.
#[derive(Debug, Clone)]
pub struct Load {
    /// The server.
    pub addr: SocketAddr,
    /// A whole request, head and body.
    pub request: Vec<u8>,
    /// Connections at a time, each with a thread of its own.
    pub connections: usize,
}

/// How fast it is sent.
#[derive(Debug, Clone, Copy)]
#[allow(clippy::exhaustive_enums, reason = "there is no third way")]
pub enum Pace {
    /// The next call as soon as the one before is answered.
    Closed,
    /// So many a second, evenly.
    Open(f64),
}

/// What came of it.
#[derive(Debug, Clone)]
pub struct Sample {
    /// Calls that were answered with 200.
    pub done: u64,
    /// Calls that were not.
    pub failed: u64,
    /// From the first call to the last answer.
    pub elapsed: Duration,
    /// To the last byte of the answer.
    pub whole: Histogram,
    /// To the first byte of the answer's body.
    pub first: Histogram,
    /// Processor time of the server meanwhile.
    pub cpu: Duration,
}

impl Sample {
    /// Answers a second.
    #[must_use]
    pub fn rate(&self) -> f64 {
        self.done as f64 / self.elapsed.as_secs_f64().max(1e-9)
    }

    /// Processor time of the server for one call, in microseconds.
    #[must_use]
    pub fn cpu_micros(&self) -> f64 {
        self.cpu.as_secs_f64() * 1e6 / (self.done.max(1) as f64)
    }
}

/// One thread's part.
#[derive(Default)]
struct Part {
    failed: u64,
    whole: Histogram,
    first: Histogram,
    last: Option<Instant>,
}

/// Sends `calls` calls. `cpu` says what the server has used so far.
///
/// # Errors
///
/// When a connection cannot be had, or a call fails before the measurement has begun.
pub fn run(load: &Load, pace: Pace, calls: usize, cpu: impl Fn() -> Duration) -> Result<Sample> {
    let connections = (0..load.connections).map(|_| warm(load)).collect::<Result<Vec<_>>>()?;
    let next = AtomicUsize::new(0);
    let line = Barrier::new(connections.len() + 1);
    let start = OnceLock::new();
    thread::scope(|scope| {
        let threads: Vec<_> = connections
            .into_iter()
            .map(|connection| {
                let (next, line, start) = (&next, &line, &start);
                scope.spawn(move || {
                    line.wait();
                    let began = *start.get_or_init(Instant::now);
                    let next = || Some(next.fetch_add(1, Ordering::Relaxed)).filter(|number| *number < calls);
                    part(load, connection, (pace, began), &next)
                })
            })
            .collect();
        let before = cpu();
        let began = *start.get_or_init(Instant::now);
        line.wait();
        let parts: Vec<Part> = threads.into_iter().filter_map(|thread| thread.join().ok()).collect();
        Ok(sum(&parts, began, cpu().saturating_sub(before)))
    })
}

fn sum(parts: &[Part], began: Instant, cpu: Duration) -> Sample {
    let (mut whole, mut first) = (Histogram::new(), Histogram::new());
    for part in parts {
        whole.merge(&part.whole);
        first.merge(&part.first);
    }
    let last = parts.iter().filter_map(|part| part.last).max().unwrap_or(began);
    let failed = parts.iter().map(|part| part.failed).sum();
    Sample { done: whole.len(), failed, elapsed: last - began, whole, first, cpu }
}

/// A connection over which calls have succeeded.
fn warm(load: &Load) -> Result<Connection> {
    let mut connection = Connection::open(load.addr)?;
    for _ in 0..WARM_UP {
        let mut body = Vec::new();
        let answer = connection.call(&load.request, |bytes| body.extend_from_slice(bytes))?;
        if answer.status != 200 {
            let body = String::from_utf8_lossy(&body);
            return Err(format!("{} answered {}: {body}", load.addr, answer.status).into());
        }
    }
    Ok(connection)
}

fn part(
    load: &Load,
    mut connection: Connection,
    (pace, began): (Pace, Instant),
    next: &dyn Fn() -> Option<usize>,
) -> Part {
    let mut part = Part::default();
    while let Some(number) = next() {
        let due = match pace {
            Pace::Closed => Instant::now(),
            Pace::Open(rate) => await_due(began + Duration::from_secs_f64(number as f64 / rate)),
        };
        match call(load, &mut connection) {
            Ok(first) => {
                let now = Instant::now();
                part.first.record(first.saturating_duration_since(due));
                part.whole.record(now.saturating_duration_since(due));
                part.last = Some(now);
            }
            Err(_) => {
                part.failed += 1;
                let Ok(fresh) = Connection::open(load.addr) else { break };
                connection = fresh;
            }
        }
    }
    part
}

/// Waits until `due`, which may have passed while no connection was free.
fn await_due(due: Instant) -> Instant {
    let left = due.saturating_duration_since(Instant::now());
    if !left.is_zero() {
        thread::sleep(left);
    }
    due
}

fn call(load: &Load, connection: &mut Connection) -> io::Result<Instant> {
    let answer = connection.call(&load.request, |_| {})?;
    if answer.status != 200 {
        return Err(io::Error::other("not 200"));
    }
    if !answer.keep_alive {
        *connection = Connection::open(load.addr)?;
    }
    Ok(answer.first)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mock::{CHAT_PATH, Mock};
    use crate::{bodies, target};

    #[test]
    fn every_call_is_sent_and_counted_once_plain_and_streamed() {
        let addr = Mock::start([]).expect("a mock").addr();
        for stream in [false, true] {
            let request = target::request(addr, CHAT_PATH, None, &bodies::chat(stream));
            let load = Load { addr, request, connections: 4 };
            for pace in [Pace::Closed, Pace::Open(5_000.0)] {
                let sample = run(&load, pace, 50, Duration::default).expect("a sample");
                assert_eq!((sample.done, sample.failed, sample.first.len()), (50, 0, 50));
            }
        }
    }
}
