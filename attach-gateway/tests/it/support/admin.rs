//! A gateway with an admin listener, and its administrators.

use std::net::SocketAddr;

use serde_json::{Value, json};

use super::issuer::{Alg, sign};
use super::{AUDIENCE, Call, Gateway, Issuer, Launch, Response, Upstream};

/// The audience of administrators.
pub(crate) const ADMIN: &str = "api://attach-admin";

/// Issuer, model server, and a gateway with an admin listener.
pub(crate) struct Governed {
    pub(crate) issuer: Issuer,
    pub(crate) upstream: Upstream,
    pub(crate) gateway: Gateway,
    pub(crate) admin: SocketAddr,
}

impl Governed {
    pub(crate) async fn start(more: &str) -> Self {
        Self::with(Upstream::model().await, more).await
    }

    pub(crate) async fn with(upstream: Upstream, more: &str) -> Self {
        let issuer = Issuer::start().await;
        let gateway = Launch::file(&config(&issuer, &upstream, more)).start().await;
        Self::of(issuer, upstream, gateway).await
    }

    pub(crate) async fn of(issuer: Issuer, upstream: Upstream, gateway: Gateway) -> Self {
        let admin = admin_address(&gateway).await;
        Self { issuer, upstream, gateway, admin }
    }

    /// A call of the admin listener by somebody in these groups.
    pub(crate) fn admin(&self, method: &str, path: &str, groups: &[&str]) -> Call {
        Call::new(self.admin, method, path).bearer(&self.admin_token(groups))
    }

    pub(crate) fn admin_token(&self, groups: &[&str]) -> String {
        let mut claims = self.issuer.claims("root", groups);
        claims["aud"] = json!(ADMIN);
        sign(Alg::Rs256, &claims)
    }

    /// An operator's order.
    pub(crate) async fn order(&self, order: &Value) -> Response {
        self.admin("POST", "/admin/v1/revocations", &["ops"]).json(order).send().await
    }
}

/// The address of a gateway's admin listener.
pub(crate) async fn admin_address(gateway: &Gateway) -> SocketAddr {
    let listens = |line: &str| {
        let line: Value = serde_json::from_str(line).ok()?;
        line["fields"]["admin"].as_str().map(str::to_owned)
    };
    gateway.stderr.find("the admin address", listens).await.parse().unwrap()
}

/// A file with one issuer, one model server and an admin listener; `more` comes after.
pub(crate) fn config(issuer: &Issuer, upstream: &Upstream, more: &str) -> String {
    format!(
        "[[issuer]]\ndirectory = \"acme\"\nissuer = \"{}\"\naudience = [\"{AUDIENCE}\"]\n\
         [[upstream]]\nname = \"one\"\nkind = \"openai\"\ndialects = [\"openai\", \"anthropic\", \"ollama\"]\nurl = \"{}\"\n\
         [admin]\nlisten = \"127.0.0.1:0\"\n\
         auth = {{ audience = \"{ADMIN}\", groups = {{ operator = \"ops\", auditor = \"dco\", key_admin = \"keymasters\" }} }}\n\
         [access]\ndefault = \"allow\"\n{more}",
        issuer.url(),
        upstream.url()
    )
}
