//! OpenAI's own packages, Responses included, against every kind of upstream. Skipped, with a line, where they are not
//! installed.

use super::{KINDS, file, replay, world};
use crate::bedrock::replay as amazon;
use crate::support::tools::{Llama, client_mjs, client_py, python};
use crate::support::{Issuer, Launch};

/// How many cases `responses.py` and `responses.mjs` have.
const CASES: [usize; 2] = [9, 4];

/// How many of them any model passes, whatever it says.
const PLAIN: [usize; 2] = [3, 2];

fn judge(what: &str, (text, ok): &(String, bool), cases: usize) {
    let passed = text.lines().filter(|line| line.starts_with("PASS")).count();
    assert!(*ok && passed == cases, "{what}: {text}");
}

async fn both(what: &str, base: &str, token: &str, set: &str, cases: [usize; 2]) {
    let Some(python) = python() else { return };
    let arguments = [base, token, set];
    judge(what, &client_py(&python, "responses.py", &arguments).await, cases[0]);
    if let Some(result) = client_mjs("responses.mjs", &arguments).await {
        judge(what, &result, cases[1]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn openais_packages_get_responses_from_every_kind_of_upstream() {
    for (kind, settings, _) in KINDS {
        let world = world(settings, "[redact]\ndefault = \"allow\"", move |seen| {
            if kind == "bedrock" {
                amazon::checked(seen, amazon::SECRET, replay::answer)
            } else {
                replay::answer(seen)
            }
        })
        .await;
        both(kind, &world.gateway.url(), &world.token("alice"), "all", CASES).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn openais_packages_get_responses_from_a_real_server_of_either_interface() {
    let Some(llama) = Llama::start().await else { return };
    for (kind, settings, _) in &KINDS[..2] {
        let issuer = Issuer::start().await;
        let model = "[[model]]\nname = \"m\"\nto = [{ upstream = \"one\", model = \"tiny-random\" }]\n\
                     [model.parameters]\noverrides = { max_tokens = 24, temperature = 0 }";
        let text =
            file(settings, model).replace("{ISSUER}", issuer.url()).replace("{UPSTREAM}", &llama.url());
        let gateway = Launch::file(&text).start().await;
        both(kind, &gateway.url(), &issuer.token("alice", &[]), "plain", PLAIN).await;
    }
}
