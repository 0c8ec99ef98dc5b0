//! Another configuration under running calls: SIGHUP, and a changed file.

mod files;
mod kept;
mod lasting;
mod refused;
mod sections;
mod storm;

use std::collections::BTreeSet;

use serde_json::Value;

use crate::support::{CHATS, Call, Gateway, Issuer, Launch, Response, Upstream, eventually, question};

const HEAD: &str = r#"
[server]
telemetry_listen = "127.0.0.1:0"

[[issuer]]
directory = "acme"
issuer = "{ISSUER}"
audience = ["api://attach-test"]

[[upstream]]
name = "one"
kind = "openai"
url = "{ONE}"

[[upstream]]
name = "two"
kind = "openai"
url = "{TWO}"
"#;

/// What the head is followed by, unless a test is about something else.
const REST: &str = "[[model]]\nname = \"m\"\nto = [\"one\"]\n[access]\ndefault = \"allow\"\n";

/// The same, with another upstream for its model.
const OTHER: &str = "[[model]]\nname = \"m\"\nto = [\"two\"]\n[access]\ndefault = \"allow\"\n";

/// Two model servers, and a gateway that is told other things.
struct Site {
    issuer: Issuer,
    one: Upstream,
    two: Upstream,
    gateway: Gateway,
    head: String,
}

impl Site {
    async fn start() -> Self {
        Self::with(HEAD, REST).await
    }

    /// With this file.
    async fn with(head: &str, rest: &str) -> Self {
        Self::before(Upstream::model().await, head, rest).await
    }

    /// The same in front of this model server.
    async fn before(one: Upstream, head: &str, rest: &str) -> Self {
        let (issuer, two) = (Issuer::start().await, Upstream::model().await);
        let head =
            head.replace("{ISSUER}", issuer.url()).replace("{ONE}", &one.url()).replace("{TWO}", &two.url());
        let gateway = Launch::file(&format!("{head}\n{rest}")).start().await;
        Self { issuer, one, two, gateway, head }
    }

    /// The whole file with this behind its head.
    fn file(&self, rest: &str) -> String {
        format!("{}\n{rest}", self.head)
    }

    /// Has the file read with this behind its head, and expects that it is taken; the line that says so.
    async fn reload(&self, rest: &str) -> String {
        self.reload_all(&self.file(rest)).await
    }

    async fn reload_all(&self, text: &str) -> String {
        let line = self.attempt(text).await;
        assert!(line.contains("configuration reloaded"), "{line}");
        line
    }

    /// Has this file read; the line that says how it went.
    async fn attempt(&self, text: &str) -> String {
        let before = self.told();
        self.gateway.reload(text);
        self.next(before).await
    }

    /// How often it was said how it went.
    fn told(&self) -> usize {
        self.gateway.stderr.text().lines().filter(|line| is_told(line)).count()
    }

    /// What was said of the first attempt after so many.
    async fn next(&self, told: usize) -> String {
        eventually("another attempt", || {
            let text = self.gateway.stderr.text();
            text.lines().filter(|line| is_told(line)).nth(told).map(str::to_owned)
        })
        .await
    }

    fn call(&self, who: &str, text: &str) -> Call {
        let token = self.issuer.token(who, &[]);
        self.gateway.post(CHATS[0]).bearer(&token).json(&question(CHATS[0], "m", text))
    }

    async fn ask(&self) -> Response {
        self.call("alice", "hello").send().await
    }

    /// The records of what was done to the configuration.
    fn deeds(&self, action: &str) -> Vec<Value> {
        let mut records = self.gateway.records();
        records.retain(|record| record["decision"]["reason"] == action);
        records
    }

    async fn metrics(&self) -> String {
        let addr = |line: &str| {
            let line: Value = serde_json::from_str(line).ok()?;
            line["fields"]["telemetry"].as_str()?.parse().ok()
        };
        let addr = self.gateway.stderr.find("the telemetry address", addr).await;
        Call::new(addr, "GET", "/metrics").send().await.expect(200).text()
    }
}

fn is_told(line: &str) -> bool {
    line.contains("configuration reloaded") || line.contains("configuration not reloaded")
}

/// The hashes of configurations that a request's records name.
async fn hashes(gateway: &Gateway, request: &str) -> BTreeSet<String> {
    let _ = gateway.finished(request).await;
    let mut records = gateway.records();
    records.retain(|record| record["req_id"] == request);
    records.iter().map(|record| record["cfg_hash"].as_str().unwrap().to_owned()).collect()
}
