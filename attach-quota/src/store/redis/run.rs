//! What a store does beside the calls: heartbeats, probes and settlements.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::atomic::Ordering;
use std::task::Poll;
use std::time::{Duration, Instant};

use tokio::time::timeout;

use super::ask::{millis, unreadable};
use super::link::{Trouble, within};
use super::scripts::{BEAT, SETTLE};
use super::{RedisStore, telemetry};

/// How long a parcel of settlements may take: nobody waits for it.
const SETTLING: Duration = Duration::from_secs(1);

const FIRST_PAUSE: Duration = Duration::from_millis(50);
/// Calls that have ended hold their places until they are settled: nothing waits longer than it has to.
const LONGEST_PAUSE: Duration = Duration::from_millis(400);

/// So many parcels were refused in a row while reservations work, and somebody should know.
const STUCK: u32 = 5;

/// Counts who runs, also when it is dropped.
struct Running<'a>(&'a RedisStore);

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.shared.running.fetch_sub(1, Ordering::Relaxed);
    }
}

impl RedisStore {
    /// Says that this node lives, settles what calls came to, and asks for the store while it is down. To be run beside
    /// the service as long as that lives; it does not end. Without it nothing is settled.
    ///
    /// Dropping it is safe at any moment, and so is running it again.
    pub async fn run(&self) {
        self.shared.running.fetch_add(1, Ordering::Relaxed);
        let _running = Running(self);
        telemetry::begin();
        let (mut beating, mut settling) = (pin!(self.beat_on()), pin!(self.settle_on()));
        poll_fn(|cx| {
            let _: Poll<()> = beating.as_mut().poll(cx);
            settling.as_mut().poll(cx)
        })
        .await;
    }

    /// Settles what waits, which a node does before it ends. `false` if the store did not take it in time.
    pub async fn flush(&self, deadline: Duration) -> bool {
        within(deadline, self.settle_all()).await.is_ok()
    }

    /// Until the store has what was put in so far, whatever comes after that.
    pub(super) async fn tell(&self) -> Result<(), Trouble> {
        let Some((put, mut told)) = self.shared.outbox.told() else { return Ok(()) };
        let (mut told, mut settling) = (pin!(told.wait_for(|told| *told >= put)), pin!(self.settle_all()));
        poll_fn(|cx| match told.as_mut().poll(cx) {
            Poll::Ready(_) => Poll::Ready(Ok(())),
            Poll::Pending => settling.as_mut().poll(cx),
        })
        .await
    }

    async fn beat_on(&self) {
        loop {
            let pause = match self.beat().await {
                Ok(()) => self.timing.heartbeat,
                Err(_) => match self.shared.breaker.next_probe() {
                    Some(next) => next.saturating_duration_since(Instant::now()),
                    None => FIRST_PAUSE,
                },
            };
            self.shared.outbox.bury();
            let changed = self.shared.went_down.notified();
            // Who finds the store down wakes this, so that it is probed at once.
            let _ = timeout(pause.max(Duration::from_millis(1)), changed).await;
        }
    }

    async fn beat(&self) -> Result<(), Trouble> {
        let shared = &*self.shared;
        if !shared.breaker.lets_pass(true) {
            return Err(Trouble("not now".into()));
        }
        match self.beat_once().await {
            Ok(joined) => {
                self.succeeded(joined);
                Ok(())
            }
            Err(trouble) => {
                self.failed(&trouble);
                Err(trouble)
            }
        }
    }

    /// Over the connection that reserves, and as fast: what is too slow for reservations is not up.
    async fn beat_once(&self) -> Result<bool, Trouble> {
        let shared = &*self.shared;
        let connection = shared.front.connection().await?;
        let mut call = BEAT.prepare_invoke();
        call.key(&shared.keys[..]).arg(&shared.node).arg(millis(self.timing.dead_after()));
        let answer = within(self.timing.deadline, shared.front.run(&connection, &call)).await;
        if answer.is_err() {
            shared.front.give_up(&connection);
        }
        let [seconds, micros, joined, nodes] = answer?[..] else { return Err(unreadable()) };
        shared.offset.learn(seconds, micros);
        shared.nodes.store(u64::try_from(nodes).unwrap_or(1).max(1), Ordering::Relaxed);
        Ok(joined == 1)
    }

    async fn settle_on(&self) {
        let (shared, mut pause, mut failures) = (&*self.shared, FIRST_PAUSE, 0_u32);
        loop {
            shared.outbox.ready().await;
            let settled = self.settle_all().await;
            match settled {
                Ok(()) if failures >= STUCK => telemetry::moves(&shared.name),
                Ok(()) => {}
                Err(trouble) => {
                    failures = if shared.breaker.is_up() { failures.saturating_add(1) } else { 0 };
                    if failures == STUCK {
                        telemetry::stuck(&shared.name, &trouble.0);
                    }
                    let _ = timeout(pause, shared.came_up.notified()).await;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                    continue;
                }
            }
            (pause, failures) = (FIRST_PAUSE, 0);
        }
    }

    /// Sends every parcel. One at a time, because Redis remembers the number of one.
    async fn settle_all(&self) -> Result<(), Trouble> {
        let shared = &*self.shared;
        let _turn = shared.sending.lock().await;
        while let Some(parcel) = shared.outbox.next() {
            let connection = shared.back.connection().await?;
            let mut call = SETTLE.prepare_invoke();
            call.key(&shared.keys[..]).arg(parcel.arguments(shared.outbox.now()));
            let answer =
                within(SETTLING.max(self.timing.deadline), shared.back.run(&connection, &call)).await;
            if let Err(trouble) = answer {
                shared.back.give_up(&connection);
                return Err(trouble);
            }
            shared.outbox.sent(&parcel);
        }
        Ok(())
    }

    /// The store answered in time; `joined` if it did not know this node.
    pub(super) fn succeeded(&self, joined: bool) {
        let shared = &*self.shared;
        let came_up = shared.breaker.succeeded(&shared.name);
        if joined && shared.known.swap(true, Ordering::Relaxed) {
            telemetry::forgot(&shared.name);
        }
        if came_up || joined {
            shared.table.restate(&shared.outbox);
        }
        if came_up {
            shared.came_up.notify_one();
        }
    }

    /// The store did not answer in time.
    pub(super) fn failed(&self, trouble: &Trouble) {
        let shared = &*self.shared;
        if shared.breaker.failed(&shared.name, &trouble.0) {
            shared.front.close();
            shared.went_down.notify_one();
        }
    }
}
