//! Contenders timed in turn, so that whatever disturbs the machine disturbs all alike.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use attach_benches::series::Series;

const ROUNDS: usize = 60;
/// How long a contender runs in a round.
const TURN: Duration = Duration::from_micros(500);

/// Something to time.
pub(crate) struct Contender<'a> {
    name: &'static str,
    run: Box<dyn FnMut() + 'a>,
    turns: u32,
    nanos: Series,
}

impl<'a> Contender<'a> {
    pub(crate) fn new<T>(name: &'static str, mut run: impl FnMut() -> T + 'a) -> Self {
        let run = Box::new(move || _ = std::hint::black_box(run()));
        Self { name, run, turns: 1, nanos: Series::default() }
    }

    /// Nanoseconds of one run, at best.
    pub(crate) fn least(&self) -> f64 {
        self.nanos.least()
    }

    fn time(&mut self, turns: u32) -> Duration {
        let began = Instant::now();
        (0..turns).for_each(|_| (self.run)());
        began.elapsed()
    }

    fn calibrate(&mut self) {
        while self.time(self.turns) < TURN {
            self.turns *= 2;
        }
    }

    fn turn(&mut self) {
        let elapsed = self.time(self.turns);
        self.nanos.push(elapsed.as_secs_f64() * 1e9 / f64::from(self.turns));
    }
}

/// Times all of them; `text` is a table, nanoseconds of the best round and of the median one.
pub(crate) fn race(contenders: &mut [Contender<'_>]) -> String {
    contenders.iter_mut().for_each(Contender::calibrate);
    for _ in 0..ROUNDS {
        contenders.iter_mut().for_each(Contender::turn);
    }
    contenders.iter().fold(String::new(), |mut text, one| {
        // Writing to memory cannot fail.
        let _ =
            writeln!(text, "  {:<44} {:>8.0} / {:.0} ns", one.name, one.nanos.least(), one.nanos.median());
        text
    })
}
