//! `login`, `token` and `logout` against a certified provider, and the token against the gateway.

use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use serde_json::Value;

use crate::support::gateway::Finished;
use crate::support::tools::Idp;
use crate::support::{CHATS, Gateway, Launch, TempDir, Upstream, question};

const AUDIENCE: &str = "urn:llm-gateway";

/// A person's machine: a provider to log in at, and a place for tokens.
struct Desk {
    idp: Idp,
    place: TempDir,
}

impl Desk {
    async fn new() -> Option<Self> {
        Some(Self { idp: Idp::start().await?, place: TempDir::new() })
    }

    fn dir(&self) -> PathBuf {
        self.place.path().join("login")
    }

    fn command(&self, arguments: &[&str]) -> Launch {
        let dir = self.dir().display().to_string();
        Launch::bare().set("ATTACH_LOGIN_DIR", &dir).arguments(arguments)
    }

    fn login(&self, client: &str, resource: &str, more: &[&str]) -> Launch {
        let issuer = self.idp.url();
        self.command(&["login", "--issuer", &issuer, "--client-id", client, "--resource", resource])
            .arguments(&["--scope", "openid offline_access llm.chat", "--prompt", "consent"])
            .arguments(more)
    }

    /// Logs `person` in through a browser that somebody else opens.
    async fn sign_in(&self, person: &str, client: &str, resource: &str) {
        let mut login =
            self.login(client, resource, &["--no-browser"]).set("DESK_SECRET", "desk-secret").spawn();
        let page = self.idp.browse(&address(&login).await, person, false).await;
        assert!(page.starts_with("200") && page.contains("You are logged in"), "{page}");
        assert!(login.ended().await.success(), "{}", login.stderr.text());
        assert_eq!(login.stdout.text(), "");
    }

    async fn token(&self) -> Finished {
        self.command(&["token"]).run().await
    }

    /// The one file of the cache.
    fn file(&self) -> PathBuf {
        let files = std::fs::read_dir(self.dir()).unwrap().map(|file| file.unwrap().path());
        let json: Vec<_> = files.filter(|path| path.extension().is_some_and(|kind| kind == "json")).collect();
        assert_eq!(json.len(), 1, "{json:?}");
        json[0].clone()
    }

    fn kept(&self) -> Value {
        serde_json::from_slice(&std::fs::read(self.file()).unwrap()).unwrap()
    }

    /// Lets the kept token end.
    fn expire(&self) {
        let mut kept = self.kept();
        kept["expires_at"] = 0.into();
        std::fs::write(self.file(), kept.to_string()).unwrap();
    }
}

/// The address that a login prints.
async fn address(login: &Gateway) -> String {
    login.stderr.find("an address", |line| line.starts_with("http").then(|| line.to_owned())).await
}

fn mode(path: &std::path::Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

async fn gateway(desk: &Desk, upstream: &Upstream) -> Gateway {
    Launch::bare()
        .arguments(&["--port", "0"])
        .set("OIDC_ISSUER", &desk.idp.url())
        .set("OIDC_AUD", AUDIENCE)
        .set("OIDC_REQUIRED_SCOPES", "llm.chat")
        .set("ENGINE_URL", &upstream.url())
        .set("ENGINE_KIND", "openai")
        .start()
        .await
}

/// Calls the gateway with what `token` printed.
async fn call(gateway: &Gateway, token: &Finished) -> Option<String> {
    assert!(token.ok, "{token:?}");
    assert!(token.stdout.ends_with('\n') && token.stdout.lines().count() == 1, "{token:?}");
    let call = gateway.post(CHATS[0]).bearer(token.stdout.trim_end());
    let answer = call.json(&question(CHATS[0], "gpt-4o", "hello")).send().await.expect(200);
    answer.header("x-attach-user").map(str::to_owned)
}

#[tokio::test]
async fn a_login_through_the_browser_brings_a_token_that_the_gateway_accepts() {
    let Some(desk) = Desk::new().await else { return };
    let upstream = Upstream::model().await;
    let gateway = gateway(&desk, &upstream).await;
    desk.sign_in("alice", "cli", AUDIENCE).await;
    let token = desk.token().await;
    assert_eq!(call(&gateway, &token).await.as_deref(), Some("alice"));
    assert_eq!(token.stderr, "");
    assert_eq!((mode(&desk.dir()), mode(&desk.file())), (0o700, 0o600));
    assert_eq!(desk.idp.grants("refresh_token"), 0, "a good token is not refreshed");
}

#[tokio::test]
async fn a_browser_is_opened_where_there_is_one() {
    let Some(desk) = Desk::new().await else { return };
    let opened = desk.place.path().join("opened").display().to_string();
    let opener = desk.place.write(
        "xdg-open",
        &format!("#!/bin/sh\nprintf '%s\\n' \"$1\" > {opened}.new\n/bin/mv {opened}.new {opened}\n"),
    );
    std::fs::set_permissions(&opener, std::fs::Permissions::from_mode(0o755)).unwrap();
    let folder = desk.place.path().display().to_string();
    let mut login = desk.login("cli", AUDIENCE, &[]).set("PATH", &folder).set("DISPLAY", ":0").spawn();
    let printed = address(&login).await;
    let url = crate::support::eventually("the browser", || std::fs::read_to_string(&opened).ok()).await;
    assert_eq!(url.trim_end(), printed);
    assert!(printed.contains("code_challenge_method=S256") && printed.contains("nonce="), "{printed}");
    desk.idp.browse(&printed, "bob", false).await;
    assert!(login.ended().await.success(), "{}", login.stderr.text());
    assert_eq!(desk.kept()["subject"], "bob");
}

#[tokio::test]
async fn without_a_browser_the_device_code_is_used() {
    let Some(desk) = Desk::new().await else { return };
    let upstream = Upstream::model().await;
    let gateway = gateway(&desk, &upstream).await;
    let mut login = desk.login("cli", AUDIENCE, &[]).spawn();
    login.stderr.line("enter the code").await;
    let complete = |line: &str| line.contains("user_code=").then(|| line.to_owned());
    let url = login.stderr.find("the complete address", complete).await;
    let page = desk.idp.browse(&url, "bob", false).await;
    assert!(page.contains("Sign-in Success"), "{page}");
    assert!(login.ended().await.success(), "{}", login.stderr.text());
    assert_eq!(call(&gateway, &desk.token().await).await.as_deref(), Some("bob"));
    assert_eq!(desk.idp.grants("urn:ietf:params:oauth:grant-type:device_code"), 1);
}

#[tokio::test]
async fn a_login_that_the_person_declines_ends_in_a_sentence_and_keeps_nothing() {
    let Some(desk) = Desk::new().await else { return };
    let mut login = desk.login("cli", AUDIENCE, &["--no-browser"]).spawn();
    let page = desk.idp.browse(&address(&login).await, "alice", true).await;
    assert!(page.starts_with("400") && page.contains("The login failed"), "{page}");
    assert_eq!(login.ended().await.code(), Some(2));
    login.stderr.line("the provider refused: access_denied").await;

    let issuer = desk.idp.url();
    let arguments = ["login", "--issuer", &issuer, "--client-id", "cli", "--resource", AUDIENCE, "--device"];
    let mut login = desk.command(&arguments).spawn();
    let complete = |line: &str| line.contains("user_code=").then(|| line.to_owned());
    let url = login.stderr.find("the complete address", complete).await;
    desk.idp.browse(&url, "alice", true).await;
    assert_eq!(login.ended().await.code(), Some(2));
    login.stderr.line("the login was declined").await;

    let token = desk.token().await;
    assert_eq!((token.code, token.stdout.as_str()), (Some(3), ""));
    assert!(token.stderr.contains("log in again: nobody is logged in"), "{token:?}");
}

#[tokio::test]
async fn an_answer_with_another_state_changes_nothing() {
    let Some(desk) = Desk::new().await else { return };
    let mut login = desk.login("cli", AUDIENCE, &["--no-browser"]).spawn();
    let url = address(&login).await;
    let port = url.split("127.0.0.1%3A").nth(1).unwrap().split("%2F").next().unwrap().parse().unwrap();
    let addr = std::net::SocketAddr::from(([127, 0, 0, 1], port));
    let forged = |path: &str| crate::support::Call::new(addr, "GET", path);
    forged("/callback?code=stolen&state=guessed").send().await.expect(400);
    forged("/callback?error=access_denied").send().await.expect(400);
    forged("/elsewhere?code=stolen").send().await.expect(404);
    desk.idp.browse(&url, "alice", false).await;
    assert!(login.ended().await.success(), "{}", login.stderr.text());
    assert_eq!(desk.kept()["subject"], "alice");
}

#[tokio::test]
async fn a_token_that_is_about_to_end_is_refreshed_and_the_new_refresh_token_is_kept() {
    let Some(desk) = Desk::new().await else { return };
    let upstream = Upstream::model().await;
    let gateway = gateway(&desk, &upstream).await;
    // Its tokens live three seconds.
    desk.sign_in("alice", "cli", "urn:llm-gateway:short").await;
    let first = desk.kept();
    assert_eq!(call(&gateway, &desk.token().await).await.as_deref(), Some("alice"));
    let second = desk.kept();
    assert_ne!(first["token"], second["token"]);
    assert_ne!(first["refresh_token"], second["refresh_token"], "the provider rotates");
    assert_eq!(call(&gateway, &desk.token().await).await.as_deref(), Some("alice"));
    assert_eq!(desk.idp.grants("refresh_token"), 2);
    assert_eq!(mode(&desk.file()), 0o600);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn processes_that_ask_at_once_spend_one_refresh_token() {
    let Some(desk) = Desk::new().await else { return };
    desk.sign_in("alice", "cli", AUDIENCE).await;
    desk.expire();
    let (a, b, c) = tokio::join!(desk.token(), desk.token(), desk.token());
    for token in [&a, &b, &c] {
        assert!(token.ok, "{token:?}");
        assert_eq!(token.stdout, a.stdout);
    }
    assert_eq!(desk.idp.grants("refresh_token"), 1);
}

#[tokio::test]
async fn a_client_with_a_secret_takes_it_from_the_environment() {
    let Some(desk) = Desk::new().await else { return };
    let issuer = desk.idp.url();
    let login = desk.login("desk", AUDIENCE, &["--no-browser", "--client-secret-env", "DESK_SECRET"]);
    let refused = login.run().await;
    assert!(refused.stderr.contains("DESK_SECRET, for the client's secret, is not set"), "{refused:?}");
    let login = desk.login("desk", AUDIENCE, &["--no-browser", "--client-secret-env", "DESK_SECRET"]);
    let mut login = login.set("DESK_SECRET", "desk-secret").spawn();
    desk.idp.browse(&address(&login).await, "alice", false).await;
    assert!(login.ended().await.success(), "{}", login.stderr.text());
    desk.expire();
    let token = desk.command(&["token", "--issuer", &issuer, "--client-id", "desk"]);
    let token = token.set("DESK_SECRET", "desk-secret").run().await;
    assert!(token.ok, "{token:?}");
    assert!(!std::fs::read_to_string(desk.file()).unwrap().contains("desk-secret"));
    let logout = desk.command(&["logout"]).set("DESK_SECRET", "desk-secret").run().await;
    assert!(logout.ok && logout.stderr.contains("revoked at the provider"), "{logout:?}");
}

#[tokio::test]
async fn a_logout_without_the_provider_deletes_and_says_that_it_did_not_revoke() {
    let Some(desk) = Desk::new().await else { return };
    desk.sign_in("alice", "cli", AUDIENCE).await;
    let mut kept = desk.kept();
    kept["issuer"] = "http://127.0.0.1:9".into();
    std::fs::write(desk.file(), kept.to_string()).unwrap();
    let logout = desk.command(&["logout"]).run().await;
    assert_eq!(logout.code, Some(2));
    assert!(logout.stderr.contains("could not be revoked at the provider"), "{logout:?}");
    assert_eq!(desk.token().await.code, Some(3));
}

#[tokio::test]
async fn no_level_of_logging_shows_a_secret() {
    let Some(desk) = Desk::new().await else { return };
    let flags = ["--no-browser", "--client-secret-env", "DESK_SECRET"];
    let traced = |launch: Launch| launch.set("DESK_SECRET", "desk-secret").set("RUST_LOG", "trace");
    let mut login = traced(desk.login("desk", AUDIENCE, &flags)).spawn();
    desk.idp.browse(&address(&login).await, "alice", false).await;
    assert!(login.ended().await.success());
    let first = desk.kept();
    desk.expire();
    let token = traced(desk.command(&["token"])).run().await;
    let second = desk.kept();
    let logout = traced(desk.command(&["logout"])).run().await;
    let said = [login.stderr.text(), token.stderr, logout.stderr].concat();
    assert!(said.contains("TRACE") || said.contains("DEBUG"), "nothing is logged: {said}");
    for kept in [first, second] {
        for name in ["token", "refresh_token"] {
            assert!(!said.contains(kept[name].as_str().unwrap()), "{name}: {said}");
        }
    }
    // The secret itself, and as it is in a header: `desk:desk-secret`.
    assert!(!said.contains("desk-secret") && !said.contains("ZGVzazpkZXNrLXNlY3JldA"), "{said}");
}

#[tokio::test]
async fn a_revoked_refresh_token_means_logging_in_again() {
    let Some(desk) = Desk::new().await else { return };
    desk.sign_in("alice", "cli", AUDIENCE).await;
    let stolen = desk.kept()["refresh_token"].as_str().unwrap().to_owned();
    desk.idp.refresh("cli", &stolen).await.expect(200);
    desk.expire();
    // The provider sees a rotated token for the second time and takes the whole grant back.
    for _ in 0..2 {
        let token = desk.token().await;
        assert_eq!((token.code, token.stdout.as_str()), (Some(3), ""), "{token:?}");
        assert!(token.stderr.contains("log in again"), "{token:?}");
    }
    desk.sign_in("alice", "cli", AUDIENCE).await;
    assert!(desk.token().await.ok);
}

#[tokio::test]
async fn a_provider_that_is_down_is_not_a_reason_to_log_in_again() {
    let Some(desk) = Desk::new().await else { return };
    desk.sign_in("alice", "cli", AUDIENCE).await;
    let mut kept = desk.kept();
    kept["issuer"] = "http://127.0.0.1:9".into();
    kept["expires_at"] = 0.into();
    std::fs::write(desk.file(), kept.to_string()).unwrap();
    let token = desk.token().await;
    assert_eq!((token.code, token.stdout.as_str()), (Some(2), ""), "{token:?}");
    assert!(token.stderr.contains("cannot be reached"), "{token:?}");
    assert_eq!(desk.kept()["refresh_token"], kept["refresh_token"]);
}

#[tokio::test]
async fn a_file_that_others_can_read_or_that_is_a_link_is_refused() {
    let Some(desk) = Desk::new().await else { return };
    desk.sign_in("alice", "cli", AUDIENCE).await;
    let file = desk.file();
    let chmod = |path: &std::path::Path, mode| {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    let refused = async |what: &str| {
        let token = desk.token().await;
        assert_eq!((token.code, token.stdout.as_str()), (Some(2), ""), "{token:?}");
        assert!(token.stderr.contains(what), "{token:?}");
    };
    chmod(&file, 0o640);
    refused("is open to others; chmod 600 it").await;
    chmod(&file, 0o600);
    chmod(&desk.dir(), 0o755);
    refused("is open to others; chmod 700 it").await;
    chmod(&desk.dir(), 0o700);
    let elsewhere = desk.place.path().join("elsewhere.json");
    std::fs::rename(&file, &elsewhere).unwrap();
    std::os::unix::fs::symlink(&elsewhere, &file).unwrap();
    refused("is not a file of its own").await;
}

#[tokio::test]
async fn several_logins_have_to_be_told_apart() {
    let Some(desk) = Desk::new().await else { return };
    desk.sign_in("alice", "cli", AUDIENCE).await;
    desk.sign_in("alice", "cli", "urn:llm-gateway:es256").await;
    let token = desk.token().await;
    assert_eq!(token.code, Some(2));
    assert!(token.stderr.contains("there are several logins"), "{token:?}");
    for resource in [AUDIENCE, "urn:llm-gateway:es256"] {
        assert!(desk.command(&["token", "--resource", resource]).run().await.ok);
    }
    let nobody = desk.command(&["token", "--client-id", "other"]).run().await;
    assert_eq!(nobody.code, Some(3));
}

#[tokio::test]
async fn a_logout_revokes_and_deletes() {
    let Some(desk) = Desk::new().await else { return };
    desk.sign_in("alice", "cli", AUDIENCE).await;
    let kept = desk.kept();
    let logout = desk.command(&["logout"]).run().await;
    assert!(logout.ok && logout.stderr.contains("revoked at the provider"), "{logout:?}");
    assert!(!logout.stderr.contains(kept["token"].as_str().unwrap()));
    assert_eq!(desk.token().await.code, Some(3));
    let refresh = kept["refresh_token"].as_str().unwrap();
    let answer = desk.idp.refresh("cli", refresh).await.expect(400);
    assert_eq!(answer.json()["error"], "invalid_grant");
}

#[tokio::test]
async fn a_provider_that_calls_itself_otherwise_is_refused_before_anybody_logs_in() {
    let Some(desk) = Desk::new().await else { return };
    let issuer = format!("{}/", desk.idp.url());
    let login =
        desk.command(&["login", "--issuer", &issuer, "--client-id", "cli", "--no-browser"]).run().await;
    assert!(login.stderr.contains("write the issuer exactly as it does"), "{login:?}");
    let plain = desk.command(&["login", "--issuer", "http://idp.example", "--client-id", "cli"]).run().await;
    assert!(plain.stderr.contains("is not https"), "{plain:?}");
}
