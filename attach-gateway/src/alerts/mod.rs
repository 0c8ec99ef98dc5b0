//! Word about budgets to a webhook.
//!
//! The shape is that of [Standard Webhooks](https://www.standardwebhooks.com): `webhook-id` (the same however often it
//! is sent, by whichever node), `webhook-timestamp`, and `webhook-signature` where there is a key.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwapOption;
use attach_core::Fetch;
use attach_quota::Alert;
use bytes::Bytes;
use http::Request;
use tokio::sync::{Mutex, Notify, mpsc};

use crate::config;

mod message;
mod signature;

use self::message::Message;

/// What waits while a receiver does not answer; more is left out, and the log says so.
const WAITING: usize = 1024;

/// How many seconds to wait before each further attempt. After the last, the word is given up.
const PAUSES: [u64; 5] = [1, 5, 30, 120, 600];

/// Takes alerts while calls wait, and sends them beside.
#[derive(Clone)]
pub(crate) struct Webhook {
    inbox: mpsc::Sender<Message>,
    outbox: Arc<Mutex<mpsc::Receiver<Message>>>,
    settings: Arc<ArcSwapOption<config::Alerts>>,
    moved: Arc<Notify>,
    fetch: Arc<dyn Fetch>,
}

impl Webhook {
    /// Nobody is told until it [follows](Self::follow) somebody's wish.
    pub(crate) fn new(fetch: Arc<dyn Fetch>) -> Self {
        let (inbox, outbox) = mpsc::channel(WAITING);
        Self {
            inbox,
            outbox: Arc::new(Mutex::new(outbox)),
            settings: Arc::default(),
            moved: Arc::default(),
            fetch,
        }
    }

    /// From now on messages go where `settings` say, those that wait as well, and nowhere without any.
    pub(crate) fn follow(&self, settings: Option<&config::Alerts>) {
        let Some(before) = self.settings.swap(settings.cloned().map(Arc::new)) else { return };
        let same = |now: &config::Alerts| (&now.url, &now.key) == (&before.url, &before.key);
        if !settings.is_some_and(same) {
            self.moved.notify_one();
        }
    }

    /// Hands an alert over; never waits.
    pub(crate) fn tell(&self, alert: &Alert) {
        if self.inbox.try_send(Message::of(alert)).is_err() {
            tracing::warn!(limit = %alert.limit, percent = alert.percent, "an alert is left out: the webhook is behind");
        }
    }

    /// Sends what is handed over. To be run once, beside the service.
    pub(crate) async fn run(&self) {
        let mut outbox = self.outbox.lock().await;
        while let Some(message) = outbox.recv().await {
            self.deliver(&message).await;
        }
    }

    async fn deliver(&self, message: &Message) {
        for pause in PAUSES.into_iter().map(Some).chain([None]) {
            let Some(settings) = self.settings.load_full() else {
                tracing::warn!(id = message.id(), "an alert is given up: there is no [alerts] any more");
                return;
            };
            let why = match self.send(message, &settings).await {
                Ok(()) => return,
                Err(why) => why,
            };
            let Some(pause) = pause else {
                tracing::error!(id = message.id(), why, "an alert could not be delivered and is given up");
                return;
            };
            tracing::warn!(id = message.id(), why, again_in_s = pause, "an alert was not taken");
            // Whoever has mended the address need not wait.
            let _ = tokio::time::timeout(Duration::from_secs(pause), self.moved.notified()).await;
        }
    }

    /// The receiver has to say 2xx.
    async fn send(&self, message: &Message, settings: &config::Alerts) -> Result<(), String> {
        let request =
            request(message, settings).map_err(|_| "the webhook's URL cannot be asked".to_owned())?;
        let answer = self.fetch.fetch(request).await.map_err(|error| error.to_string())?;
        match answer.status().is_success() {
            true => Ok(()),
            false => Err(format!("it answered {}", answer.status().as_u16())),
        }
    }
}

fn request(message: &Message, settings: &config::Alerts) -> Result<Request<Bytes>, http::Error> {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    let (now, body) = (now.as_secs().to_string(), message.body());
    let mut request = Request::post(settings.url.expose())
        .header("content-type", "application/json")
        .header("webhook-id", message.id())
        .header("webhook-timestamp", &now);
    if let Some(key) = &settings.key {
        let signed = signature::of(key, &[message.id(), ".", &now, ".", body]);
        request = request.header("webhook-signature", signed);
    }
    request.body(Bytes::copy_from_slice(body.as_bytes()))
}

impl fmt::Debug for Webhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Webhook")
    }
}
