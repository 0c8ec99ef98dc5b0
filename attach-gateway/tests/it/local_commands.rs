//! Commands that ask a gateway of their own machine, over a socket in the file system.

use std::os::unix::fs::MetadataExt;

use serde_json::json;

use crate::support::admin::config;
use crate::support::gateway::Finished;
use crate::support::{Gateway, Issuer, Launch, TempDir, Upstream};

/// A gateway whose callers and administrators come by sockets.
struct Site {
    issuer: Issuer,
    upstream: Upstream,
    gateway: Gateway,
    folder: TempDir,
    file: String,
}

impl Site {
    /// Who runs the test is this.
    async fn start(role: &str) -> Self {
        let (issuer, upstream, folder) = (Issuer::start().await, Upstream::model().await, TempDir::new());
        let uid = std::fs::metadata(folder.path()).unwrap().uid();
        let socket = |name: &str| format!("unix:{}", folder.path().join(name).display());
        let server = format!("[server]\nlisten = {:?}\n", socket("calls"));
        let rest = "[keys]\nenabled = true\n[[quota]]\nid = \"calls\"\nrequests = \"9/h\"\n";
        let file = server + &config(&issuer, &upstream, rest);
        let file = file.replace("listen = \"127.0.0.1:0\"", &format!("listen = {:?}", socket("admins")));
        let auth = file.lines().find(|line| line.starts_with("auth = ")).unwrap().to_owned();
        let file = file.replace(&auth, &format!("auth = {{ users = {{ {role} = [{uid}] }} }}"));
        let gateway = Launch::file(&file).without_port().spawn();
        gateway.stderr.line("is listening").await;
        Self { issuer, upstream, gateway, folder, file }
    }

    fn at(&self, name: &str) -> String {
        format!("unix:{}", self.folder.path().join(name).display())
    }

    async fn keys(&self, words: &[&str], at: &str, token: Option<&str>) -> Finished {
        let at = self.at(at);
        let launch = Launch::bare().arguments(&["keys"]).arguments(words).arguments(&["--server", &at]);
        match token {
            Some(token) => launch.arguments(&["--token-env", "TOKEN"]).set("TOKEN", token).run().await,
            None => launch.run().await,
        }
    }
}

#[tokio::test]
async fn keys_are_made_at_the_socket_and_ended_by_an_administrators_account_alone() {
    let site = Site::start("key_admin").await;
    let token = site.issuer.token("alice", &[]);
    let made = site.keys(&["create", "--name", "laptop", "--expires-in", "1d"], "calls", Some(&token)).await;
    assert!(made.ok && made.stdout.starts_with("atk_"), "{made:?}");
    // The provider is asked nothing for who is known by the account.
    site.issuer.set_down(true);
    let listed = site.keys(&["list", "--all"], "admins", None).await;
    assert!(listed.ok && listed.stdout.contains("acme/alice"), "{listed:?}");
    let id = listed.stdout.lines().nth(1).unwrap().split_whitespace().next().unwrap().to_owned();
    let ended = site.keys(&["revoke", &id, "--all"], "admins", None).await;
    assert!(ended.ok && ended.stderr.contains("is revoked"), "{ended:?}");
    let own = site.keys(&["list"], "calls", None).await;
    assert_eq!(own.code, Some(3), "one's own are shown to who is logged in: {own:?}");
}

#[tokio::test]
async fn an_account_that_is_no_administrators_learns_nothing() {
    let site = Site::start("auditor").await;
    let listed = site.keys(&["list", "--all"], "admins", None).await;
    assert!(listed.ok, "{listed:?}");
    let refused = site.keys(&["revoke", "key_1", "--all"], "admins", None).await;
    assert!(refused.code == Some(1) && refused.stderr.contains("403"), "{refused:?}");
    let nobody = site.keys(&["list", "--all"], "nowhere", None).await;
    assert!(nobody.code == Some(2) && nobody.stderr.contains("cannot be reached"), "{nobody:?}");
}

#[tokio::test]
async fn health_and_limits_are_asked_at_the_socket() {
    let site = Site::start("operator").await;
    let url = site.at("calls");
    let health = Launch::bare().arguments(&["healthcheck", "--url", &url]).run().await;
    assert!(health.ok && health.stdout == "ready\n", "{health:?}");
    let gone = Launch::bare().arguments(&["healthcheck", "--url", "unix:/nowhere/at.sock"]).run().await;
    assert_eq!(gone.code, Some(1), "{gone:?}");
    let home = TempDir::new();
    let file = home.write("attach.toml", &site.file).display().to_string();
    let explain = ["explain", "--token-env", "THE_TOKEN", "--model", "m", "--config", &file];
    let token = site.issuer.token("alice", &[]);
    let launch = Launch::bare().arguments(&explain).arguments(&["--server", &url]);
    let told = launch.set("THE_TOKEN", &token).run().await;
    let said = format!("limits in force at {url}:\n  calls: 9 requests per hour");
    assert!(told.ok && told.stdout.contains(&said) && told.stdout.contains("left 9"), "{told:?}");
    assert_eq!(site.upstream.seen().len(), 0);
    drop(site.gateway);
}

const MONEY: &str = r#"
[[model]]
name = "priced"
to = ["one"]
price = { input = 2.5, output = 10.0 }
[[model]]
name = "unknown"
to = ["one"]
[[quota]]
id = "purse"
usd = "5/month"
models = ["priced", "unknown"]
[[quota]]
id = "watched"
usd = "1/month"
action = "shadow"
"#;

#[tokio::test]
async fn explain_says_what_a_call_costs_and_which_limit_refuses_what_has_no_price() {
    let (issuer, upstream, home) = (Issuer::start().await, Upstream::model().await, TempDir::new());
    let file = home.write("attach.toml", &config(&issuer, &upstream, MONEY)).display().to_string();
    let token = issuer.token("alice", &[]);
    let explain = async |model: &str| {
        let words = ["explain", "--token-env", "THE_TOKEN", "--model", model, "--config", &file];
        let told = Launch::bare().arguments(&words).set("THE_TOKEN", &token).run().await;
        assert!(told.ok, "{told:?}");
        told.stdout
    };
    let priced = explain("priced").await;
    let line = "to one as priced: allowed: allowed_by_default\n  1000 tokens in and 1000 tokens out cost 0.0125 USD\n";
    assert!(priced.contains(line), "{priced}");
    let unknown = explain("unknown").await;
    for line in [
        "  it has no price, so the limit purse refuses the call: 403 price_unknown\n",
        "  it has no price, so the limit watched counts nothing\n",
    ] {
        assert!(unknown.contains(line), "{unknown}");
    }
    let gateway = Launch::file(&config(&issuer, &upstream, MONEY)).start().await;
    let body = crate::support::question(crate::support::CHATS[0], "unknown", "hello");
    let refused = gateway.post(crate::support::CHATS[0]).bearer(&token).json(&body).send().await.expect(403);
    assert_eq!((refused.code(), json!(refused.status)), ("price_unknown".into(), json!(403)));
}
