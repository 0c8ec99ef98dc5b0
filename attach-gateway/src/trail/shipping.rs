//! Records on their way to whom the configuration in force names.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use attach_audit::Audit;
use attach_audit::egress::{Egress, Shipped};
use attach_audit::log::{Position, Tail};
use tokio::sync::watch;

use super::egress;
use crate::config;

/// How long until a list of receivers is tried again that could not be opened.
const AGAIN: Duration = Duration::from_secs(1);

/// Sends records, by whichever list of receivers is in force.
pub(crate) struct Shipping {
    ground: Ground,
    egress: Egress,
    shipped: Arc<ArcSwap<Shipped>>,
    wished: watch::Receiver<Arc<config::Audit>>,
}

/// Who says to whom records are sent. Clones are the same.
#[derive(Clone)]
pub(crate) struct Receivers(Arc<watch::Sender<Arc<config::Audit>>>);

/// What every list is opened on.
struct Ground {
    tail: Tail,
    folder: PathBuf,
    audit: Audit,
}

impl Shipping {
    /// Opens the first list; cursors are in `folder`, beside the log.
    pub(super) fn open(
        tail: Tail,
        folder: PathBuf,
        audit: Audit,
        wish: &config::Audit,
    ) -> io::Result<(Self, Receivers)> {
        let ground = Ground { tail, folder, audit };
        let egress = ground.open(wish)?;
        let (sender, wished) = watch::channel(Arc::new(wish.clone()));
        let shipped = Arc::new(ArcSwap::from_pointee(egress.shipped()));
        Ok((Self { ground, egress, shipped, wished }, Receivers(Arc::new(sender))))
    }

    /// What asks how far every receiver has come, also when the list has become another.
    pub(super) fn shipped(&self) -> impl Fn() -> Option<Option<Position>> + Send + 'static {
        let shipped = Arc::clone(&self.shipped);
        move || shipped.load().by_all()
    }

    /// Sends until the log has ended; see [`Egress::run`].
    pub(crate) async fn run(mut self) {
        loop {
            let other = async || {
                // Without a sender nothing changes any more.
                if self.wished.clone().changed().await.is_err() {
                    std::future::pending::<()>().await;
                }
            };
            self.egress.run_until(other()).await;
            if self.ground.tail.has_ended() {
                return;
            }
            // With nobody to send to it ends at once.
            tokio::select! {
                () = other() => {}
                () = self.ground.tail.ended() => return,
            }
            self.exchange().await;
        }
    }

    /// Opens the list that is wished for. Until that is done the old one says what may be deleted; it is what is left
    /// to go on with when the log ends before.
    async fn exchange(&mut self) {
        while !self.ground.tail.has_ended() {
            let wish = Arc::clone(&self.wished.borrow_and_update());
            match self.ground.open(&wish) {
                Ok(egress) => {
                    self.shipped.store(Arc::new(egress.shipped()));
                    self.egress = egress;
                    return;
                }
                Err(error) => {
                    tracing::error!(%error, "the receivers of records could not be changed; nothing is sent until they can");
                }
            }
            tokio::time::sleep(AGAIN).await;
        }
    }
}

impl Ground {
    fn open(&self, wish: &config::Audit) -> io::Result<Egress> {
        Ok(egress::open(self.tail.clone(), &self.folder, wish)?.recording(&self.audit))
    }
}

impl Receivers {
    /// From now on records are sent to whom `wish` names. A receiver that stays goes on at its cursor.
    pub(crate) fn follow(&self, wish: &config::Audit) {
        self.0.send_if_modified(|known| {
            let other = !known.same_receivers(wish);
            if other {
                *known = Arc::new(wish.clone());
            }
            other
        });
    }
}
