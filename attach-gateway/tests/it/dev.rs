//! `attach-gateway dev`, and that what it prints behaves as printed.

use std::net::TcpListener;

use serde_json::Value;

use crate::support::{Call, Gateway, Launch, Response, answer_text, events};

struct Dev {
    gateway: Gateway,
    alice: String,
    bob: String,
    /// Each printed command under its comment.
    commands: Vec<(String, String)>,
}

impl Dev {
    async fn start() -> Self {
        let mut gateway = Launch::bare().arguments(&["dev", "--port", "0"]).spawn();
        gateway.stdout.line("dev token alice").await;
        let text = gateway.stdout.text();
        let export = |name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(&format!("export {name}=")));
            line.unwrap_or_else(|| panic!("no {name} in {text}")).to_owned()
        };
        gateway.addr = export("URL").strip_prefix("http://").unwrap().parse().unwrap();
        let folder = gateway.home().join("attach-dev");
        let (alice, bob) = (export("ALICE"), export("BOB"));
        let mut commands = Vec::new();
        let mut comment = String::new();
        for line in text.lines() {
            if let Some(text) = line.strip_prefix("# ") {
                comment = text.to_owned();
            } else if ["curl", "for ", "printf", "/"].iter().any(|begins| line.starts_with(begins)) {
                commands.push((comment.clone(), line.to_owned()));
            }
        }
        Self { gateway: gateway.with_state(&folder), alice, bob, commands }
    }

    fn command(&self, comment: &str) -> &str {
        let found = self.commands.iter().find(|(known, _)| known.contains(comment));
        &found.unwrap_or_else(|| panic!("nothing printed about {comment}: {:?}", self.commands)).1
    }

    /// The request that a printed `curl` makes.
    fn call(&self, comment: &str) -> Call {
        let command = self.command(comment);
        let after =
            |mark: &str| command.split_once(mark).unwrap_or_else(|| panic!("no {mark} in {command}")).1;
        let path = after("$URL").split_whitespace().next().unwrap();
        let header = after("-H \"").split('"').next().unwrap();
        let header = header.replace("$ALICE", &self.alice).replace("$BOB", &self.bob);
        let (name, value) = header.split_once(": ").unwrap();
        let body = after("-d '").split('\'').next().unwrap();
        let call = self.gateway.post(path).header(name, value);
        call.header("Content-Type", "application/x-www-form-urlencoded").body(body)
    }

    async fn says(&self, comment: &str) -> Response {
        self.call(comment).send().await
    }
}

#[tokio::test]
async fn every_printed_command_behaves_as_printed() {
    let mut dev = Dev::start().await;
    let answer = dev.says("A call:").await.expect(200);
    assert_eq!(answer_text(&answer.text()), "You said: hello");
    assert_eq!(answer.header("x-attach-user"), Some("alice"));

    let ollama = dev.says("Ollama's interface").await.expect(200);
    assert_eq!(answer_text(&ollama.text()), "You said: hello");
    assert_eq!(events(&ollama.text()).pop().unwrap()["done"], true);

    let stream = dev.says("A stream:").await.expect(200);
    assert_eq!(answer_text(&stream.text()), "You said: count to three");
    assert!(stream.text().ends_with("data: [DONE]\n\n"));

    let refused = dev.says("401").await.expect(401);
    assert!(refused.header("www-authenticate").is_some());
    let forbidden = dev.says("403").await.expect(403);
    assert_eq!(forbidden.code(), "model_not_available");

    let many = dev.call("429");
    assert!(dev.command("429").contains("seq 60"));
    let mut statuses = Vec::new();
    for _ in 0..60 {
        statuses.push(many.send().await.status);
    }
    assert_eq!((statuses[0], statuses[59]), (200, 429), "{statuses:?}");

    let verify = dev.command("nobody changed it");
    let arguments: Vec<_> = verify.split_whitespace().skip(1).collect();
    assert_eq!(arguments[..2], ["audit", "verify"]);
    dev.gateway.stop_and_verify().await;
}

#[tokio::test]
async fn redaction_can_be_seen() {
    let dev = Dev::start().await;
    let answer = dev.says("Personal data").await.expect(200);
    let text = answer_text(&answer.text());
    for value in ["Jane Doe", "jane.doe@example.com", "4111 1111 1111 1111"] {
        assert!(text.contains(value), "{text}");
    }
    let saw = dev.gateway.stdout.line("model saw").await;
    for value in ["Jane", "Doe", "jane.doe@example.com", "4111 1111"] {
        assert!(!saw.contains(value), "{saw}");
    }
    assert!(saw.contains("My name is"), "{saw}");
    let got = dev.gateway.stdout.line("client got").await;
    assert!(got.contains("jane.doe@example.com"), "{got}");
    let log = crate::support::audit::text(&dev.gateway.audit_folder());
    assert!(!log.contains("jane.doe") && !log.contains("4111 1111"));
}

#[tokio::test]
async fn a_fresh_token_can_be_had_later() {
    let dev = Dev::start().await;
    // In the folder in which the gateway was started.
    let token = |person: &str| {
        let folder = dev.gateway.home().join("attach-dev").display().to_string();
        Launch::bare().arguments(&["dev", "--dir", &folder, "token", person])
    };
    let finished = token("alice").run().await;
    assert!(finished.ok, "{finished:?}");
    let fresh = finished.stdout.trim();
    let claims = |token: &str| -> Value {
        use base64::Engine as _;
        let payload = token.split('.').nth(1).unwrap();
        let bytes = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(payload).unwrap();
        serde_json::from_slice(&bytes).unwrap()
    };
    assert_eq!(claims(fresh)["sub"], "alice");
    let answer = dev.gateway.get("/api/tags").bearer(fresh).send().await.expect(200);
    assert_eq!(answer.header("x-attach-user"), Some("alice"));
    let unknown = token("mallory").run().await;
    assert!(!unknown.ok && unknown.stderr.contains("alice"), "{unknown:?}");
    let nowhere = Launch::bare().arguments(&["dev", "token", "alice"]).run().await;
    assert!(!nowhere.ok && nowhere.stderr.contains("attach-gateway dev"), "{nowhere:?}");
}

#[tokio::test]
async fn people_see_their_own_models() {
    let dev = Dev::start().await;
    let names = async |token: &str| {
        let list = dev.gateway.get("/v1/models").bearer(token).send().await.expect(200).json();
        list["data"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one["id"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    let (alice, bob) = (names(&dev.alice).await, names(&dev.bob).await);
    assert!(alice.len() > bob.len() && bob.iter().all(|name| alice.contains(name)), "{alice:?} {bob:?}");
}

#[tokio::test]
async fn it_takes_the_next_port_that_is_free_and_loopback_alone() {
    let taken = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = taken.local_addr().unwrap().port();
    let gateway = Launch::bare().arguments(&["dev", "--port", &port.to_string()]).spawn();
    let url =
        gateway.stdout.find("the address", |line| line.strip_prefix("export URL=").map(str::to_owned)).await;
    let addr: std::net::SocketAddr = url.strip_prefix("http://").unwrap().parse().unwrap();
    assert!(addr.port() > port && addr.ip().is_loopback(), "{addr}");
    let said = Launch::bare().arguments(&["dev", "--host", "0.0.0.0"]).refusal().await;
    assert!(said.contains("--host"), "{said}");
}

#[tokio::test]
async fn it_never_runs_beside_a_production_setting() {
    for (name, value) in [
        ("OIDC_ISSUER", "https://idp.example"),
        ("OIDC_AUD", "api://x"),
        ("AUTH_BACKEND", "okta"),
        ("ENGINE_API_KEY", "sk"),
        ("ATTACH_CONFIG", "attach.toml"),
    ] {
        let said = Launch::bare().arguments(&["dev", "--port", "0"]).set(name, value).refusal().await;
        assert!(said.contains(name), "{said}");
    }
}

#[tokio::test]
async fn its_keys_are_never_on_disk_and_its_tokens_are_good_nowhere_else() {
    let (dev, other) = (Dev::start().await, Dev::start().await);
    let answer = other.gateway.get("/api/tags").bearer(&dev.alice).send().await.expect(401);
    assert_eq!(answer.code(), "wrong_issuer");
    let folder = dev.gateway.home().join("attach-dev");
    assert_eq!(
        std::fs::read_dir(folder.join("jwks")).unwrap().count(),
        0,
        "they are others at the next start"
    );
    let files = std::fs::read_dir(folder).unwrap().flatten().map(|entry| entry.file_name());
    let mut files: Vec<_> = files.map(|name| name.into_string().unwrap()).collect();
    // SQLite's own files come and go beside the state.
    files.retain(|name| !name.starts_with("state.db-"));
    files.sort();
    assert_eq!(
        files,
        [
            "audit",
            "audit.key",
            "content.key",
            "issuer",
            "jwks",
            "lock",
            "node.name",
            "pseudonym.key",
            "state.db"
        ]
    );
}

#[tokio::test]
async fn what_is_printed_can_be_pasted_into_a_shell() {
    let Some(()) = crate::support::tools::program("curl") else { return };
    let dev = Dev::start().await;
    assert_eq!(dev.gateway.stderr.text(), "", "the first thing to be seen is what to do");
    let paste = async |comment: &str| {
        let command = dev.command(comment);
        let script =
            format!("export URL={} ALICE={} BOB={}\n{command}", dev.gateway.url(), dev.alice, dev.bob,);
        let output =
            tokio::process::Command::new("sh").arg("-c").arg(script).current_dir(dev.gateway.home()).output();
        String::from_utf8(output.await.unwrap().stdout).unwrap()
    };
    assert_eq!(answer_text(&paste("A call:").await), "You said: hello");
    assert_eq!(answer_text(&paste("Ollama's interface").await), "You said: hello");
    assert_eq!(answer_text(&paste("A stream:").await), "You said: count to three");
    assert!(paste("Personal data").await.contains("jane.doe@example.com"));
    assert!(paste("401").await.starts_with("HTTP/1.1 401"));
    assert!(paste("403").await.starts_with("HTTP/1.1 403"));
    let codes = paste("429").await;
    assert!(codes.starts_with("200 ") && codes.trim_end().ends_with("429"), "{codes}");
    assert!(paste("nobody changed it").await.contains("ok: "));
    assert!(paste("A key for a tool").await.starts_with("atk_"));
}
