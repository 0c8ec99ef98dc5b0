use std::sync::atomic::{AtomicU64, Ordering};

use super::*;

/// Jobs that were begun, and have not ended yet.
#[derive(Clone, Default)]
struct Threads(Arc<Mutex<Vec<Job>>>);

impl Offload for Threads {
    fn run(&self, job: Job) {
        self.0.lock().unwrap().push(job);
    }
}

impl Threads {
    fn running(&self) -> usize {
        self.0.lock().unwrap().len()
    }

    /// Ends the job that was begun first.
    fn end_one(&self) {
        let job = self.0.lock().unwrap().remove(0);
        job();
    }
}

/// What jobs became of.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    fn job(&self, name: &str) -> Job {
        struct Ended(Log, String, bool);
        impl Drop for Ended {
            fn drop(&mut self) {
                let what = if self.2 { "" } else { "no " };
                self.0.0.lock().unwrap().push(format!("{what}{}", self.1));
            }
        }
        impl Ended {
            fn run(mut self) {
                self.2 = true;
            }
        }
        let ended = Ended(self.clone(), name.to_owned(), false);
        Box::new(move || ended.run())
    }

    fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

fn of(name: &str) -> Scope {
    Scope::new("acme", name)
}

#[test]
fn nobody_has_more_than_his_share_and_those_who_wait_take_turns() {
    let (threads, log) = (Threads::default(), Log::default());
    let shares = Shares::new(4, threads.clone());
    for job in ["a1", "a2", "a3", "a4"] {
        shares.run_for(&of("alice"), 1, log.job(job));
    }
    assert_eq!(threads.running(), 2, "half of the places");
    for job in ["b1", "b2", "b3"] {
        shares.run_for(&of("bob"), 1, log.job(job));
    }
    shares.run_for(&of("carol"), 1, log.job("c1"));
    assert_eq!(threads.running(), 4);
    while threads.running() > 0 {
        assert!(threads.running() <= 4);
        threads.end_one();
    }
    assert_eq!(log.take(), ["a1", "a2", "b1", "b2", "a3", "c1", "b3", "a4"]);
    assert_eq!(shares.callers(), 0, "nothing is kept of them");
}

#[test]
fn who_waits_too_long_is_sent_away_and_others_go_on() {
    let (threads, log, time) = (Threads::default(), Log::default(), Arc::new(AtomicU64::new(0)));
    let now = Arc::clone(&time);
    let shares = Shares::new(1, threads.clone())
        .patience(Duration::from_secs(2))
        .clock(move || Duration::from_secs(now.load(Ordering::Relaxed)));
    shares.run_for(&of("alice"), 1, log.job("a1"));
    shares.run_for(&of("bob"), 1, log.job("b1"));
    time.store(1, Ordering::Relaxed);
    shares.run_for(&of("carol"), 1, log.job("c1"));
    shares.drop_late();
    assert!(log.take().is_empty() && shares.callers() == 3);
    time.store(2, Ordering::Relaxed);
    shares.drop_late();
    assert_eq!(log.take(), ["no b1"]);
    assert_eq!(shares.callers(), 2);
    threads.end_one();
    threads.end_one();
    assert_eq!(log.take(), ["a1", "c1"]);
    assert_eq!((threads.running(), shares.callers()), (0, 0));
}

#[test]
fn what_waits_is_bounded_for_each_and_for_all() {
    let (threads, log) = (Threads::default(), Log::default());
    let shares = Shares::new(1, threads.clone()).waiting(8 * LARGE);
    let push = |whose: &str, name: &str, bytes| shares.run_for(&of(whose), bytes, log.job(name));
    push("alice", "runs", 100 * LARGE);
    push("alice", "alone", 5 * LARGE);
    push("alice", "beyond his", 1);
    push("bob", "first", LARGE);
    push("bob", "second", 1);
    push("bob", "third", 1);
    assert_eq!(log.take(), ["no beyond his", "no third"]);
    push("carol", "beyond all", 2 * LARGE);
    push("carol", "the last", 1);
    assert_eq!(log.take(), ["no beyond all"]);
    while threads.running() > 0 {
        threads.end_one();
    }
    assert_eq!(log.take(), ["runs", "alone", "first", "the last", "second"]);
}

#[test]
fn a_job_that_panics_or_is_dropped_gives_its_place_back() {
    let threads = Threads::default();
    let shares = Shares::new(1, threads.clone());
    shares.run_for(&of("alice"), 1, Box::new(|| panic!("as it should")));
    shares.run_for(&of("bob"), 1, Box::new(|| ()));
    let job = threads.0.lock().unwrap().remove(0);
    assert!(std::thread::spawn(job).join().is_err());
    assert_eq!((threads.running(), shares.callers()), (1, 1));
    let job = threads.0.lock().unwrap().remove(0);
    drop(job);
    assert_eq!((threads.running(), shares.callers()), (0, 0));
}
