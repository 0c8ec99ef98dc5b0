use super::*;

struct Clock {
    breaker: Breaker,
    now: Instant,
}

impl Clock {
    fn new(change: impl FnOnce(&mut Settings)) -> Self {
        let mut settings = Settings::default();
        change(&mut settings);
        let now = Instant::now();
        Self { breaker: Breaker::new(settings, now), now }
    }

    fn pass(&mut self, time: Duration) {
        self.now += time;
    }

    fn admits(&self) -> Option<Pass> {
        self.breaker.admit(self.now).ok()
    }

    fn call(&self, well: bool) -> Option<Phase> {
        let pass = self.admits().expect("admitted");
        self.breaker.settle(pass, well, self.now, 0.0)
    }

    fn wait(&self) -> Duration {
        self.breaker.admit(self.now).expect_err("stopped")
    }
}

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn it_opens_on_consecutive_failures_and_a_success_between_begins_anew() {
    let clock = Clock::new(|settings| settings.consecutive = 3);
    for well in [false, false, true, false, false] {
        assert_eq!(clock.call(well), None);
    }
    assert_eq!(clock.call(false), Some(Phase::Open));
    assert_eq!(clock.wait(), SECOND);
}

#[test]
fn it_opens_on_too_few_successes_of_enough_calls() {
    let clock = Clock::new(|settings| {
        settings.min_requests = 10;
        settings.success_rate = 0.6;
    });
    let opened: Vec<_> = (0..10).map(|n| clock.call(n % 2 == 0)).collect();
    assert!(opened[..9].iter().all(Option::is_none), "{opened:?}");
    assert_eq!(opened[9], Some(Phase::Open));
}

#[test]
fn failures_that_are_long_past_do_not_open_it() {
    let mut clock = Clock::new(|settings| settings.min_requests = 10);
    for n in 0..100 {
        clock.pass(4 * SECOND);
        assert_eq!(clock.call(n % 2 == 0), None, "{n}");
    }
}

#[test]
fn one_call_tries_it_again_and_the_others_wait_for_what_comes_of_it() {
    let mut clock = Clock::new(|settings| settings.consecutive = 1);
    clock.call(false);
    clock.pass(SECOND);
    let probe = clock.admits().expect("a probe");
    assert_eq!(probe.begun, Some(Phase::HalfOpen));
    assert!(clock.admits().is_none());
    assert_eq!(clock.breaker.settle(probe, true, clock.now, 0.0), Some(Phase::Closed));
    assert!(clock.admits().is_some() && clock.admits().is_some());
}

#[test]
fn each_probe_that_fails_doubles_the_wait_up_to_the_longest() {
    let mut clock = Clock::new(|settings| settings.consecutive = 1);
    assert_eq!(clock.call(false), Some(Phase::Open));
    let mut waits = Vec::new();
    for _ in 0..8 {
        waits.push(clock.wait().as_secs());
        let wait = clock.wait();
        clock.pass(wait);
        assert_eq!(clock.call(false), Some(Phase::Open));
    }
    assert_eq!(waits, [1, 2, 4, 8, 16, 32, 60, 60]);
    clock.pass(60 * SECOND);
    clock.call(true);
    clock.call(false);
    assert_eq!(clock.wait(), SECOND);
}

#[test]
fn jitter_adds_up_to_half() {
    for (jitter, millis) in [(0.0, 1000), (0.5, 1250), (0.999, 1499)] {
        let clock = Clock::new(|settings| settings.consecutive = 1);
        let pass = clock.admits().expect("admitted");
        clock.breaker.settle(pass, false, clock.now, jitter);
        assert_eq!(clock.wait().as_millis(), millis);
    }
}

#[test]
fn an_open_breaker_costs_less_than_a_millisecond() {
    let clock = Clock::new(|settings| settings.consecutive = 1);
    clock.call(false);
    let began = Instant::now();
    (0..10_000).for_each(|_| assert!(clock.admits().is_none()));
    assert!(began.elapsed() < 10 * SECOND, "{:?} for 10,000", began.elapsed());
}

#[test]
fn a_probe_whose_caller_has_left_makes_way_for_another() {
    let mut clock = Clock::new(|settings| settings.consecutive = 1);
    clock.call(false);
    clock.pass(SECOND);
    let probe = clock.admits().expect("a probe");
    assert_eq!(clock.breaker.forget(probe, clock.now), Some(Phase::Open));
    assert_eq!(clock.call(true), Some(Phase::Closed));
}

#[test]
fn a_probe_that_takes_long_does_not_keep_all_others_waiting() {
    let mut clock = Clock::new(|settings| settings.consecutive = 1);
    clock.call(false);
    clock.pass(SECOND);
    let slow = clock.admits().expect("a probe");
    clock.pass(SECOND);
    assert_eq!(clock.call(true), Some(Phase::Closed));
    assert_eq!(clock.breaker.settle(slow, false, clock.now, 0.0), None);
}

#[test]
fn what_was_let_through_before_does_not_count_after() {
    let mut clock = Clock::new(|settings| settings.consecutive = 1);
    let early = clock.admits().expect("admitted");
    clock.call(false);
    assert_eq!(clock.breaker.settle(early, true, clock.now, 0.0), None);
    assert_eq!(clock.breaker.phase(), Phase::Open);
    clock.pass(SECOND);
    clock.call(true);
    assert_eq!(clock.breaker.settle(early, false, clock.now, 0.0), None);
    assert_eq!(clock.breaker.phase(), Phase::Closed);
    assert_eq!(clock.breaker.forget(early, clock.now), None);
}
