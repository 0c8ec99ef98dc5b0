use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use arc_swap::{ArcSwap, Guard};
use tokio::runtime::Handle;
use tokio::time::Instant;
use tokio_util::task::AbortOnDropHandle;

use super::credential::Credential;
use crate::config::{Access, ConfigError, Rotating, Secret, Upstream};

/// How often files are looked at, and whether a command is due.
const TICK: Duration = Duration::from_secs(1);

/// How long nothing is read again because of a refusal after it has been: a key that is wrong for good must not make
/// every request run a command.
const PAUSE: Duration = Duration::from_secs(1);

/// How long a request waits for a credential that may have been replaced.
const PATIENCE: Duration = Duration::from_secs(5);

/// An upstream's credential as it is now. It is followed for as long as this lives.
pub(super) struct Keys {
    watch: Arc<Watch>,
    turn: tokio::sync::Mutex<Option<Instant>>,
    _following: Option<AbortOnDropHandle<()>>,
}

struct Watch {
    upstream: Arc<Upstream>,
    now: ArcSwap<Credential>,
    /// One at a time reads, for as long as a file or a command takes.
    reading: Mutex<()>,
    /// When each was read, and whether that failed. Never held while one is read: a reload takes what it has read.
    read: Mutex<Vec<Read>>,
}

struct Read {
    last: Secret,
    at: Instant,
    failed: bool,
}

impl Read {
    /// What it was when the configuration was read.
    fn first(from: &Rotating) -> Self {
        Self { last: from.first().clone(), at: Instant::from_std(from.read_at()), failed: false }
    }
}

/// The secrets of an upstream: its key, or an access key's id, secret and token.
fn sources(upstream: &Upstream) -> Vec<&Rotating> {
    let access = upstream.bedrock.as_ref().and_then(|bedrock| bedrock.access.as_ref());
    match access {
        Some(Access { id, secret, token, .. }) => [id, secret].into_iter().chain(token).collect(),
        None => upstream.key.iter().collect(),
    }
}

impl Keys {
    /// Follows `upstream`'s credential, if it can change and there is a runtime.
    pub(super) fn follow(upstream: &Arc<Upstream>) -> Self {
        let read: Vec<_> = sources(upstream).into_iter().map(Read::first).collect();
        let secrets = read.iter().map(|read| read.last.clone()).collect();
        let watch = Arc::new(Watch {
            upstream: Arc::clone(upstream),
            now: ArcSwap::from_pointee(Credential::new(upstream, secrets)),
            reading: Mutex::new(()),
            read: Mutex::new(read),
        });
        let following = Handle::try_current().ok().filter(|_| watch.can_change()).map(|runtime| {
            let watch = Arc::clone(&watch);
            AbortOnDropHandle::new(runtime.spawn(async move {
                loop {
                    tokio::time::sleep(TICK).await;
                    watch.look(false).await;
                }
            }))
        });
        Self { watch, turn: tokio::sync::Mutex::new(None), _following: following }
    }

    /// Takes what was read for `upstream`, which is the same but for that.
    pub(super) fn take(&self, upstream: &Upstream) {
        self.watch.take(sources(upstream).into_iter().map(Read::first));
    }

    /// The credential now.
    pub(super) fn now(&self) -> Guard<Arc<Credential>> {
        self.watch.now.load()
    }

    /// Whether it may be another one some day.
    pub(super) fn can_change(&self) -> bool {
        self.watch.can_change()
    }

    /// The upstream has refused `used`: whether there is another one by now.
    pub(super) async fn replaced(&self, used: &Arc<Credential>) -> bool {
        let looked = tokio::time::timeout(PATIENCE, async {
            let mut turn = self.turn.lock().await;
            let is_other = || !Arc::ptr_eq(&self.watch.now.load(), used);
            if !is_other() && turn.is_none_or(|last| last.elapsed() > PAUSE) {
                self.watch.look(true).await;
                *turn = Some(Instant::now());
            }
            is_other()
        });
        looked.await.unwrap_or(false)
    }
}

impl Watch {
    fn can_change(&self) -> bool {
        sources(&self.upstream).iter().any(|from| from.holds().is_some())
    }

    async fn look(self: &Arc<Self>, all: bool) {
        let watch = Arc::clone(self);
        let _ = tokio::task::spawn_blocking(move || watch.read_again(all)).await;
    }

    /// Reads what is due, or `all`; what cannot be read stays as it was.
    fn read_again(&self, all: bool) {
        let _one = self.reading.lock().unwrap_or_else(PoisonError::into_inner);
        for (index, from) in sources(&self.upstream).into_iter().enumerate() {
            let Some(holds) = from.holds() else { continue };
            let due = |read: &Read| all || read.at.elapsed() >= holds;
            if !self.read().get(index).is_some_and(due) {
                continue;
            }
            let (at, again) = (Instant::now(), from.read_again());
            // What a reload took meanwhile was read later.
            if let Some(read) = self.read().get_mut(index).filter(|read| read.at <= at) {
                read.at = at;
                self.note(read, again);
            }
        }
        self.put_in_force(&self.read());
    }

    fn note(&self, read: &mut Read, again: Result<Secret, ConfigError>) {
        match again {
            Ok(secret) => (read.last, read.failed) = (secret, false),
            Err(error) if !read.failed => {
                read.failed = true;
                let upstream = &self.upstream.name;
                tracing::warn!(%upstream, %error, "an upstream's credential cannot be read again; the last one stays");
            }
            Err(_) => {}
        }
    }

    /// Takes those that were read later than what is known.
    fn take(&self, firsts: impl Iterator<Item = Read>) {
        let mut read = self.read();
        for (read, first) in read.iter_mut().zip(firsts) {
            if first.at >= read.at {
                *read = first;
            }
        }
        self.put_in_force(&read);
    }

    fn read(&self) -> MutexGuard<'_, Vec<Read>> {
        self.read.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn put_in_force(&self, read: &[Read]) {
        let secrets: Vec<_> = read.iter().map(|read| read.last.clone()).collect();
        if !self.now.load().is_of(&secrets) {
            self.now.store(Arc::new(Credential::new(&self.upstream, secrets)));
            tracing::info!(upstream = %self.upstream.name, "an upstream's credential was replaced");
        }
    }
}

/// Shows nothing of a credential.
impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keys")
    }
}
