//! What the tests stand on: the built binary, an issuer, a model server that remembers, a client that sees bytes.

use std::time::Duration;

pub(crate) mod admin;
pub(crate) mod audit;
pub(crate) mod client;
pub(crate) mod collector;
pub(crate) mod dialect;
pub(crate) mod fleet;
pub(crate) mod gateway;
pub(crate) mod h2;
pub(crate) mod issuer;
pub(crate) mod personal;
pub(crate) mod process;
pub(crate) mod proxies;
pub(crate) mod raw;
pub(crate) mod reply;
#[path = "../../../../attach-audit/tests/it/schema_check.rs"]
pub(crate) mod schema;
pub(crate) mod temp;
pub(crate) mod tools;
pub(crate) mod upstream;
pub(crate) mod wire;

pub(crate) use self::admin::Governed;
pub(crate) use self::audit::Trail;
pub(crate) use self::client::{Call, Connection, Response};
pub(crate) use self::dialect::{CHATS, answer_text, assert_error, assert_shape, events, question, streamed};
pub(crate) use self::gateway::{Gateway, Launch};
pub(crate) use self::issuer::{AUDIENCE, Alg, Issuer};
pub(crate) use self::personal::{assert_nothing_personal, assert_restored, sentence};
pub(crate) use self::reply::{Reply, Step};
pub(crate) use self::temp::TempDir;
pub(crate) use self::upstream::{Seen, Upstream};

/// How long anything may take before a test gives up on it.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// Issuer, model server and gateway: what most tests need.
pub(crate) struct World {
    pub(crate) issuer: Issuer,
    pub(crate) upstream: Upstream,
    pub(crate) gateway: Gateway,
}

impl World {
    /// By environment alone, in front of a model server that speaks every dialect.
    pub(crate) async fn start() -> Self {
        Self::with(Upstream::model().await, |launch| launch).await
    }

    /// By environment alone, with other variables or another model server.
    pub(crate) async fn with(upstream: Upstream, change: impl FnOnce(Launch) -> Launch) -> Self {
        let issuer = Issuer::start().await;
        let gateway = change(Launch::env(&issuer, &upstream)).start().await;
        Self { issuer, upstream, gateway }
    }

    /// By a file; `{ISSUER}` and `{UPSTREAM}` stand for the addresses.
    pub(crate) async fn file(upstream: Upstream, text: &str) -> Self {
        let issuer = Issuer::start().await;
        let text = text.replace("{ISSUER}", issuer.url()).replace("{UPSTREAM}", &upstream.url());
        let gateway = Launch::file(&text).start().await;
        Self { issuer, upstream, gateway }
    }

    /// A token of `person`, without groups.
    pub(crate) fn token(&self, person: &str) -> String {
        self.issuer.token(person, &[])
    }

    /// An authorized call of `path` by Alice.
    pub(crate) fn post(&self, path: &str) -> Call {
        self.gateway.post(path).bearer(&self.token("alice"))
    }

    /// An authorized question of `path` by Alice.
    pub(crate) fn get(&self, path: &str) -> Call {
        self.gateway.get(path).bearer(&self.token("alice"))
    }
}

/// Waits until `look` finds what it looks for.
pub(crate) async fn eventually<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let until = tokio::time::Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(tokio::time::Instant::now() < until, "waited in vain for {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
