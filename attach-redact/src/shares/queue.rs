//! Who waits, and whose turn it is.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use crate::{Job, Scope};

/// A job that waits.
pub(super) struct Waiting {
    pub(super) since: Duration,
    pub(super) bytes: usize,
    pub(super) job: Job,
}

#[derive(Default)]
struct Caller {
    running: usize,
    waiting: VecDeque<Waiting>,
    bytes: usize,
}

/// The jobs of all callers.
pub(super) struct Queue {
    jobs: usize,
    /// Jobs of one caller that run at a time.
    pub(super) share: usize,
    /// Bytes that may wait.
    pub(super) most: usize,
    running: usize,
    bytes: usize,
    /// Those who have a job, and no others.
    callers: HashMap<Scope, Caller>,
    /// Those of them who wait, whose turn is next first.
    turns: VecDeque<Scope>,
}

impl Queue {
    pub(super) fn new(jobs: usize, most: usize) -> Self {
        Self {
            jobs,
            share: (jobs / 2).max(1),
            most,
            running: 0,
            bytes: 0,
            callers: HashMap::new(),
            turns: VecDeque::new(),
        }
    }

    pub(super) fn callers(&self) -> usize {
        self.callers.len()
    }

    /// Puts a job at the end of its caller's line; gives it back if there is no room.
    pub(super) fn push(&mut self, whose: &Scope, waiting: Waiting) -> Option<Waiting> {
        let known = self.callers.get(whose).map_or(0, |caller| caller.bytes);
        // A caller whose turn it is at once does not wait.
        let at_once = self.running < self.jobs && self.may_run(whose) && known == 0;
        let fits = fits(self.bytes, waiting.bytes, self.most) && fits(known, waiting.bytes, self.most / 4);
        if !(at_once || fits) {
            return Some(waiting);
        }
        let caller = self.callers.entry(whose.clone()).or_default();
        caller.bytes += waiting.bytes;
        self.bytes += waiting.bytes;
        if caller.waiting.is_empty() {
            self.turns.push_back(whose.clone());
        }
        caller.waiting.push_back(waiting);
        None
    }

    /// The job that is to run now, if one may.
    pub(super) fn next(&mut self) -> Option<(Scope, Job)> {
        if self.running >= self.jobs {
            return None;
        }
        // Those who have their share already are fewer than the jobs that run.
        let turn = self.turns.iter().position(|whose| self.may_run(whose))?;
        let whose = self.turns.remove(turn)?;
        let caller = self.callers.get_mut(&whose)?;
        let Waiting { bytes, job, .. } = caller.waiting.pop_front()?;
        caller.running += 1;
        caller.bytes -= bytes;
        if !caller.waiting.is_empty() {
            self.turns.push_back(whose.clone());
        }
        self.running += 1;
        self.bytes -= bytes;
        Some((whose, job))
    }

    /// A job of `whose` has ended.
    pub(super) fn end(&mut self, whose: &Scope) {
        self.running = self.running.saturating_sub(1);
        if let Some(caller) = self.callers.get_mut(whose) {
            caller.running = caller.running.saturating_sub(1);
            if caller.running == 0 && caller.waiting.is_empty() {
                self.callers.remove(whose);
            }
        }
    }

    /// Takes out the jobs that wait since `latest` or longer.
    pub(super) fn take_late(&mut self, latest: Duration) -> Vec<Waiting> {
        let mut late = Vec::new();
        for caller in self.callers.values_mut() {
            while caller.waiting.front().is_some_and(|waiting| waiting.since <= latest) {
                let Some(waiting) = caller.waiting.pop_front() else { break };
                caller.bytes -= waiting.bytes;
                self.bytes -= waiting.bytes;
                late.push(waiting);
            }
        }
        if !late.is_empty() {
            self.turns
                .retain(|whose| self.callers.get(whose).is_some_and(|caller| !caller.waiting.is_empty()));
            self.callers.retain(|_, caller| caller.running > 0 || !caller.waiting.is_empty());
        }
        late
    }

    fn may_run(&self, whose: &Scope) -> bool {
        self.callers.get(whose).is_none_or(|caller| caller.running < self.share)
    }
}

/// Whether `bytes` more may wait beside those that do. Alone one may always.
fn fits(waiting: usize, bytes: usize, most: usize) -> bool {
    waiting == 0 || waiting.saturating_add(bytes) <= most
}
