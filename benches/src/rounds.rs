//! The rounds: every server in turn, again and again, so that a busy minute of the machine hits all alike.

use std::collections::BTreeMap;

use crate::Result;
use crate::generator::{self, Load, Pace, Sample};
use crate::series::Series;
use crate::target::{Shape, Target};

/// How much is measured.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Plan {
    /// Rounds.
    pub rounds: usize,
    /// Calls in a round's closed loop.
    pub calls: usize,
    /// Connections at a time.
    pub connections: usize,
    /// Calls a second in the open loop; streamed calls come a fifth as often.
    pub rate: f64,
    /// Seconds of a round's open loop.
    pub seconds: f64,
}

impl Plan {
    /// What takes a few minutes and is steady on a quiet machine.
    #[must_use]
    pub fn usual() -> Self {
        Self { rounds: 7, calls: 6_000, connections: 32, rate: 1_000.0, seconds: 2.0 }
    }

    /// What shows in seconds that everything works.
    #[must_use]
    pub fn quick() -> Self {
        Self { rounds: 2, calls: 500, connections: 8, rate: 500.0, seconds: 0.4 }
    }

    fn calls_of(&self, shape: Shape) -> usize {
        match shape {
            Shape::Plain => self.calls,
            Shape::Streamed => self.calls.div_ceil(5),
        }
    }

    fn rate_of(&self, shape: Shape) -> f64 {
        match shape {
            Shape::Plain => self.rate,
            Shape::Streamed => self.rate / 5.0,
        }
    }
}

/// What one server did with one shape of call, round by round.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Figures {
    /// Answers a second, closed loop.
    pub rate: Series,
    /// Processor time per call, microseconds, closed loop.
    pub cpu: Series,
    /// The same in the open loop, where there is less to do at a time.
    pub cpu_open: Series,
    /// Median latency in microseconds, open loop.
    pub p50: Series,
    /// 99th percentile of latency, open loop.
    pub p99: Series,
    /// Median time to the first byte of the body, open loop.
    pub first: Series,
    /// Calls that failed.
    pub failed: u64,
}

/// Figures by the place of the target in the list, and shape.
pub type Results = BTreeMap<(usize, &'static str), Figures>;

/// Measures `targets`.
///
/// # Errors
///
/// When a server does not answer at all.
pub fn run(targets: &[Target], shapes: &[Shape], plan: &Plan, progress: impl Fn(usize)) -> Result<Results> {
    let mut results = Results::new();
    for round in 0..plan.rounds {
        progress(round);
        for &shape in shapes {
            for at in 0..targets.len() {
                // Another order each round: whoever comes after a heavy neighbour is not always the same.
                let index = (at + round) % targets.len();
                let figures = results.entry((index, shape.as_str())).or_default();
                measure(&targets[index], shape, plan, figures)
                    .map_err(|error| format!("{}, {} calls: {error}", targets[index].name, shape.as_str()))?;
            }
        }
    }
    Ok(results)
}

fn measure(target: &Target, shape: Shape, plan: &Plan, figures: &mut Figures) -> Result<()> {
    let load = Load { addr: target.addr(), request: target.request(shape), connections: plan.connections };
    let run = |pace, calls| -> Result<Sample> { generator::run(&load, pace, calls, || target.cpu()) };
    let closed = run(Pace::Closed, plan.calls_of(shape))?;
    figures.rate.push(closed.rate());
    figures.cpu.push(closed.cpu_micros());
    let rate = plan.rate_of(shape);
    // Bounded above by the plan's own figures.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let open = run(Pace::Open(rate), (rate * plan.seconds).ceil() as usize)?;
    figures.cpu_open.push(open.cpu_micros());
    figures.p50.push(open.whole.micros(0.5));
    figures.p99.push(open.whole.micros(0.99));
    figures.first.push(open.first.micros(0.5));
    figures.failed += closed.failed + open.failed;
    Ok(())
}
