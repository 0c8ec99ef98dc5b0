//! The official packages against every kind of upstream: each of their cases passes, or is named here with what it is told.
//! Skipped, with a line, where they are not installed.

use crate::bedrock::replay;
use crate::support::tools::{Llama, python, smoke_mjs, smoke_py};
use crate::support::{Issuer, Launch, Reply, Seen, TempDir, Upstream, wire};

/// How many cases `smoke.py` and `smoke.mjs` have.
const CASES: [usize; 2] = [12, 2];

const KEY: &str = "upstream-key-example";

/// Embeddings where there are none: no such interface, so nothing to translate them to.
const NO_EMBEDDINGS: (&str, &str) = ("openai embeddings", "501");

/// A kind of upstream: what is said of it, and the cases that cannot be expressed there with a part of what the client says.
struct Kind<'a> {
    settings: &'a str,
    url: String,
    inexpressible: &'a [(&'a str, &'a str)],
}

impl Kind<'_> {
    fn file(&self, issuer: &Issuer) -> String {
        format!(
            r#"
            [[issuer]]
            issuer = "{}"
            audience = ["api://attach-test"]
            [[upstream]]
            name = "one"
            url = "{}"
            {}
            [[model]]
            name = "team-chat"
            to = [{{ upstream = "one", model = "tiny-random" }}]
            [model.parameters]
            overrides = {{ max_tokens = 24, temperature = 0 }}
            [access]
            default = "allow"
            "#,
            issuer.url(),
            self.url,
            self.settings
        )
    }

    async fn smoke(&self) {
        let Some(python) = python() else { return };
        let issuer = Issuer::start().await;
        let launch = Launch::file(&self.file(&issuer)).set("AWS_ACCESS_KEY_ID", replay::KEY_ID);
        let gateway = launch.set("AWS_SECRET_ACCESS_KEY", replay::SECRET).start().await;
        let token = issuer.token("alice", &[]);
        let (text, _) = smoke_py(&python, &gateway.url(), &token, "team-chat").await;
        self.judge(&text, CASES[0]);
        if let Some((text, _)) = smoke_mjs(&gateway.url(), &token, "team-chat").await {
            self.judge(&text, CASES[1]);
        }
    }

    fn judge(&self, text: &str, cases: usize) {
        let lines = || text.lines().filter(|line| line.starts_with("PASS") || line.starts_with("FAIL"));
        assert_eq!(lines().count(), cases, "{}: {text}", self.settings);
        for line in lines() {
            let named = self.inexpressible.iter().find(|(case, _)| line[4..].trim_start().starts_with(case));
            let as_expected = match named {
                Some((_, told)) => line.starts_with("FAIL") && line.contains(told),
                None => line.starts_with("PASS"),
            };
            assert!(as_expected, "{}: {line}\n{text}", self.settings);
        }
    }
}

fn refused() -> Reply {
    Reply::json(
        401,
        &serde_json::json!({"error": {"type": "authentication_error", "message": "no such key"}}),
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_official_clients_work_with_a_real_server_of_openais_interface() {
    let Some(llama) = Llama::start().await else { return };
    // This one was started without a model that embeds, and says so.
    let kind = Kind { settings: "kind = \"openai\"", url: llama.url(), inexpressible: &[NO_EMBEDDINGS] };
    kind.smoke().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_official_clients_work_with_a_real_server_of_anthropics_interface() {
    let Some(llama) = Llama::start().await else { return };
    let kind = Kind { settings: "kind = \"anthropic\"", url: llama.url(), inexpressible: &[NO_EMBEDDINGS] };
    kind.smoke().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_official_clients_work_with_anthropics_interface_as_documented() {
    let upstream = Upstream::with(|seen| {
        // Packages say which version they were made for.
        let known = seen.header("x-api-key") == Some(KEY) && seen.header("anthropic-version").is_some();
        let whole = seen.path == "/v1/messages" && seen.json()["max_tokens"].is_u64();
        if known && whole { wire::model_in_words(seen, 3) } else { refused() }
    })
    .await;
    let folder = TempDir::new();
    let settings = format!("kind = \"anthropic\"\nkey = {{ file = {:?} }}", folder.write("key", KEY));
    let kind = Kind { settings: &settings, url: upstream.url(), inexpressible: &[NO_EMBEDDINGS] };
    kind.smoke().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_official_clients_work_with_ollamas_interface_as_documented() {
    let upstream = Upstream::with(|seen| {
        let own = seen.path.starts_with("/api/");
        if own {
            wire::model_in_words(seen, 3)
        } else {
            Reply::json(404, &serde_json::json!({"error": "not found"}))
        }
    })
    .await;
    // Without the part of OpenAI's interface that Ollama has besides.
    let settings = "kind = \"ollama\"\ndialects = [\"ollama\"]";
    Kind { settings, url: upstream.url(), inexpressible: &[] }.smoke().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_official_clients_work_with_amazon_bedrock_as_documented() {
    let upstream = Upstream::with(|seen| {
        replay::checked(seen, replay::SECRET, |seen| replay::model(seen).in_pieces_of(40))
    })
    .await;
    let settings = "kind = \"bedrock\"\nregion = \"eu-central-1\"";
    Kind { settings, url: upstream.url(), inexpressible: &[NO_EMBEDDINGS] }.smoke().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_official_clients_work_with_azures_interface_as_documented() {
    let upstream = Upstream::with(|seen| {
        let Some(path) = seen.path.strip_prefix("/openai").filter(|_| seen.header("api-key") == Some(KEY))
        else {
            return refused();
        };
        wire::model_in_words(&Seen { path: path.to_owned(), ..seen.clone() }, 3)
    })
    .await;
    let folder = TempDir::new();
    let settings = format!("kind = \"azure\"\nkey = {{ file = {:?} }}", folder.write("key", KEY));
    Kind { settings: &settings, url: upstream.url(), inexpressible: &[] }.smoke().await;
}
