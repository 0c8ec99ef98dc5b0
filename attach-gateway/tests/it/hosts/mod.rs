//! Virtual hosts: one gateway, several names, each for its own callers and models.

use serde_json::{Value, json};

use crate::proofs::Key;
use crate::support::raw::{Heard, send};
use crate::support::{CHATS, Gateway, Issuer, Launch, Upstream, question};

mod changes;
mod commands;
mod names;

/// Two organisations behind one gateway.
struct Two {
    acme: Issuer,
    globex: Issuer,
    upstream: Upstream,
    gateway: Gateway,
}

pub(crate) const HOSTS: &str = r#"
[[host]]
name = "acme.example"
directories = ["acme"]
models = ["team-chat", "gpt-4*"]
[[host]]
name = "globex.example"
directories = ["globex"]
cors = { allowed_origins = ["https://chat.globex.example"] }
"#;

pub(crate) fn text(acme: &Issuer, globex: &Issuer, upstream: &Upstream, hosts: &str) -> String {
    let issuer = |directory: &str, issuer: &Issuer| {
        let url = issuer.url();
        format!(
            "[[issuer]]\ndirectory = \"{directory}\"\nissuer = \"{url}\"\naudience = [\"api://attach-test\"]\n"
        )
    };
    let model = |name: &str| format!("[[model]]\nname = \"{name}\"\nto = [\"m\"]\n");
    format!(
        "{hosts}\n{}{}[[upstream]]\nname = \"m\"\nkind = \"openai\"\ntrusted = true\nurl = \"{}\"\n{}{}{}\
         [access]\ndefault = \"allow\"\n[keys]\nenabled = true\n",
        issuer("acme", acme),
        issuer("globex", globex),
        upstream.url(),
        model("team-chat"),
        model("gpt-4o"),
        model("secret-model"),
    )
}

async fn start(hosts: &str) -> Two {
    let (acme, globex, upstream) = (Issuer::start().await, Issuer::start().await, Upstream::model().await);
    let gateway = Launch::file(&text(&acme, &globex, &upstream, hosts)).start().await;
    Two { acme, globex, upstream, gateway }
}

impl Two {
    /// Sends a request with these lines below the first, and a body if there is one.
    async fn send(&self, first: &str, lines: &[&str], body: Option<&Value>) -> Heard {
        let body = body.map(Value::to_string).unwrap_or_default();
        let mut text = format!("{first} HTTP/1.1\r\n");
        lines.iter().for_each(|line| text += &format!("{line}\r\n"));
        text += &format!(
            "Content-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
            body.len()
        );
        send(self.gateway.addr, text).await
    }

    /// The answer to a question about `model`, with the status.
    async fn ask(&self, host: &str, credential: &str, model: &str) -> (u16, String) {
        let (host, bearer) = (format!("Host: {host}"), format!("Authorization: Bearer {credential}"));
        let body = question(CHATS[0], model, "hello");
        let heard = self.send(&format!("POST {}", CHATS[0]), &[&host, &bearer], Some(&body)).await;
        (heard.statuses()[0], heard.text)
    }

    async fn get(&self, host: &str, token: &str, path: &str) -> Heard {
        let (host, bearer) = (format!("Host: {host}"), format!("Authorization: Bearer {token}"));
        self.send(&format!("GET {path}"), &[&host, &bearer], None).await
    }
}

/// What is in an answer's body.
fn json(heard: &Heard) -> Value {
    let (_, body) = heard.text.split_once("\r\n\r\n").unwrap();
    serde_json::from_str(body).unwrap_or_else(|error| panic!("{error}: {}", heard.text))
}

#[tokio::test]
async fn each_host_knows_its_own_callers_alone() {
    let two = start(HOSTS).await;
    let (alice, bob) = (two.acme.token("alice", &[]), two.globex.token("bob", &[]));
    // Whoever was let in at one host is remembered, and is as unknown at the other.
    for _ in 0..2 {
        for (host, token, status) in [
            ("acme.example", &alice, 200),
            ("globex.example", &bob, 200),
            ("globex.example", &alice, 401),
            ("acme.example", &bob, 401),
        ] {
            let (told, text) = two.ask(host, token, "gpt-4o").await;
            assert_eq!(told, status, "{host}: {text}");
        }
    }
    assert_eq!(two.upstream.seen().len(), 4);
    let records = two.gateway.records();
    let hosts: Vec<_> =
        records.iter().filter(|r| r["kind"] == "intent").map(|r| &r["custom"]["host"]).collect();
    assert_eq!(hosts, ["acme.example", "globex.example", "acme.example", "globex.example"]);
}

#[tokio::test]
async fn a_gateway_key_is_good_at_its_owners_hosts_alone() {
    let two = start(HOSTS).await;
    let alice = format!("Authorization: Bearer {}", two.acme.token("alice", &[]));
    let wanted = json!({"name": "laptop", "expires_in": 3600});
    let minted = two.send("POST /attach/v1/keys", &["Host: acme.example", &alice], Some(&wanted)).await;
    assert_eq!(minted.statuses(), [201], "{minted:?}");
    let secret = json(&minted)["secret"].as_str().unwrap().to_owned();
    let (told, text) = two.ask("acme.example", &secret, "gpt-4o").await;
    assert_eq!(told, 200, "{text}");
    let (told, text) = two.ask("globex.example", &secret, "gpt-4o").await;
    assert!(told == 403 && text.contains("unknown_at_host"), "{text}");
    let elsewhere = two.get("globex.example", &secret, "/v1/models").await;
    assert_eq!(elsewhere.statuses(), [403]);
    assert_eq!(two.upstream.seen().len(), 1);
}

#[tokio::test]
async fn a_model_that_a_host_does_not_have_is_one_that_nobody_has() {
    let two = start(HOSTS).await;
    let (alice, bob) = (two.acme.token("alice", &[]), two.globex.token("bob", &[]));
    let listed = async |host: &str, token: &str, path: &str, list: &str, name: &str| {
        let heard = two.get(host, token, path).await;
        let all = json(&heard)[list].as_array().unwrap().clone();
        all.iter().map(|one| one[name].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    for (path, list, name) in [("/v1/models", "data", "id"), ("/api/tags", "models", "name")] {
        assert_eq!(listed("acme.example", &alice, path, list, name).await, ["team-chat", "gpt-4o"]);
        let all = ["team-chat", "gpt-4o", "secret-model"];
        assert_eq!(listed("globex.example", &bob, path, list, name).await, all);
    }
    let (told, hidden) = two.ask("acme.example", &alice, "secret-model").await;
    let (unknown, nobodys) = two.ask("acme.example", &alice, "no-such-model").await;
    assert_eq!((told, unknown), (403, 403));
    let body = |text: &str| text.split_once("\r\n\r\n").unwrap().1.replace("no-such-model", "secret-model");
    let without_id = |text: &str| {
        let mut body: Value = serde_json::from_str(&body(text)).unwrap();
        body["error"].as_object_mut().unwrap().remove("request_id");
        body
    };
    assert_eq!(without_id(&hidden), without_id(&nobodys));
    let one = two.get("acme.example", &alice, "/v1/models/secret-model").await;
    assert_eq!(one.statuses(), [404]);
    assert_eq!(two.ask("globex.example", &bob, "secret-model").await.0, 200);
    assert!(two.ask("acme.example", &alice, "SECRET-MODEL").await.0 != 200);
}

#[tokio::test]
async fn each_host_has_its_own_address_for_metadata_challenges_and_proofs() {
    let two = start(HOSTS).await;
    let path = "/.well-known/oauth-protected-resource";
    for (host, issuer) in [("acme.example", &two.acme), ("globex.example", &two.globex)] {
        let metadata = json(&two.get(host, "", path).await);
        assert_eq!(metadata["resource"].as_str().unwrap().trim_end_matches('/'), format!("https://{host}"));
        assert_eq!(metadata["authorization_servers"], json!([issuer.url()]));
        let challenge = two.get(host, "", "/v1/models").await;
        assert!(challenge.text.contains(&format!("https://{host}{path}")), "{challenge:?}");
    }
    assert_eq!(two.get("other.example", "", path).await.statuses(), [421]);
    let key = Key::new();
    let token = two.acme.token_with("cnf", json!({"jkt": key.thumbprint()}));
    let shown = async |url: &str, jti: &str| {
        let lines = [
            "Host: acme.example".to_owned(),
            format!("Authorization: DPoP {token}"),
            format!("DPoP: {}", key.proof(url, Some(&token), jti)),
        ];
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        let body = question(CHATS[0], "gpt-4o", "hello");
        two.send(&format!("POST {}", CHATS[0]), &lines, Some(&body)).await.statuses()
    };
    assert_eq!(shown(&format!("https://acme.example{}", CHATS[0]), "one").await, [200]);
    assert_eq!(shown(&format!("https://acme.example{}", CHATS[0]), "one").await, [401], "shown before");
    assert_eq!(shown(&format!("https://globex.example{}", CHATS[0]), "two").await, [401]);
}

#[tokio::test]
async fn a_page_may_call_the_host_that_lists_it() {
    let two = start(HOSTS).await;
    for (host, allowed) in [("globex.example", true), ("acme.example", false), ("other.example", false)] {
        let lines = [
            &*format!("Host: {host}"),
            "Origin: https://chat.globex.example",
            "Access-Control-Request-Method: POST",
        ];
        let heard = two.send(&format!("OPTIONS {}", CHATS[0]), &lines, None).await;
        assert_eq!(heard.text.contains("access-control-allow-origin"), allowed, "{host}: {heard:?}");
    }
}
