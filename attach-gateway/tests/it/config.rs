//! What starts, what refuses to, and what it says.

use std::os::unix::fs::PermissionsExt;

use serde_json::json;

use crate::support::{AUDIENCE, CHATS, Issuer, Launch, TempDir, Upstream, World, question};

fn bare(issuer: &str) -> Launch {
    Launch::bare().arguments(&["--port", "0"]).set("OIDC_ISSUER", issuer).set("OIDC_AUD", AUDIENCE)
}

#[tokio::test]
async fn the_environment_alone_starts_a_gateway_that_says_what_it_lets_pass() {
    let world = World::start().await;
    let answer = world.post(CHATS[0]).json(&question(CHATS[0], "gpt-4o", "hello")).send().await.expect(200);
    assert_eq!(answer.json()["choices"][0]["message"]["content"], "You said: hello");
    world.gateway.stderr.line("every authenticated caller may use every model").await;
    let start = world.gateway.records().remove(0);
    assert_eq!(start["kind"], "start");
    let off = start["protections_off"].to_string();
    assert!(off.contains("model policy") && off.contains("quota"), "{off}");
    let state = world.gateway.audit_folder();
    for folder in [state.parent().unwrap(), &state] {
        assert_eq!(std::fs::metadata(folder).unwrap().permissions().mode() & 0o777, 0o700, "{folder:?}");
    }
}

#[tokio::test]
async fn a_missing_variable_is_named() {
    let issuer = Issuer::start().await;
    for name in ["OIDC_ISSUER", "OIDC_AUD"] {
        let said = bare(issuer.url()).unset(name).refusal().await;
        assert!(said.contains(name) && said.contains("not set"), "{said}");
        // What a deployment template leaves behind is not set either.
        let said = bare(issuer.url()).set(name, "").refusal().await;
        assert!(said.contains(name), "{said}");
    }
}

#[tokio::test]
async fn the_environment_alone_can_name_a_redis() {
    let checked = bare("https://idp.example").set("REDIS_URL", "redis://:hunter2@localhost").check().await;
    assert!(checked.ok && checked.stdout.contains("state: shared by Redis"), "{checked:?}");
    assert!(!checked.stdout.contains("hunter2"), "{checked:?}");
    let said = bare("https://idp.example").set("REDIS_URL", "localhost").refusal().await;
    assert!(said.contains("REDIS_URL") && said.contains("redis://host"), "{said}");
}

#[tokio::test]
async fn google_needs_a_hosted_domain() {
    let google = || bare("https://accounts.google.com").set("AUTH_BACKEND", "google");
    let said = google().refusal().await;
    assert!(said.contains("hd"), "{said}");
    let checked = google().set("OIDC_HOSTED_DOMAIN", "example.com").check().await;
    assert!(checked.ok, "{checked:?}");
}

#[tokio::test]
async fn entras_common_tenant_is_refused_with_the_reason() {
    let said =
        bare("https://login.microsoftonline.com/common/v2.0").set("AUTH_BACKEND", "entra").refusal().await;
    assert!(said.contains("every organisation") && said.contains("tenant"), "{said}");
}

#[tokio::test]
async fn a_bare_okta_organisation_is_refused_naming_the_ways_out() {
    for backend in ["okta", "generic"] {
        let said = bare("https://dev-123456.okta.com").set("AUTH_BACKEND", backend).refusal().await;
        assert!(said.contains("/oauth2/default") && said.contains("ID tokens"), "{said}");
    }
}

#[tokio::test]
async fn an_unknown_backend_names_the_known_ones() {
    let said = bare("https://idp.example").set("AUTH_BACKEND", "octa").refusal().await;
    assert!(said.contains("okta") && said.contains("keycloak"), "{said}");
}

#[tokio::test]
async fn plain_http_to_an_issuer_elsewhere_is_refused() {
    let said = bare("http://idp.example").refusal().await;
    assert!(said.contains("https"), "{said}");
}

#[tokio::test]
async fn a_limit_may_be_no_limit_in_every_spelling() {
    for text in ["", "none", "None", "null", "false", "infinite"] {
        let checked = bare("https://idp.example").set("MAX_TOKENS_PER_MIN", text).check().await;
        assert!(checked.ok && checked.stdout.contains("quota: no limit"), "{text:?}: {checked:?}");
    }
    let checked = bare("https://idp.example").set("MAX_TOKENS_PER_MIN", "60000").check().await;
    assert!(checked.stdout.contains("60000"), "{checked:?}");
    for text in ["many", "-1", "0", "1.5"] {
        let said = bare("https://idp.example").set("MAX_TOKENS_PER_MIN", text).refusal().await;
        assert!(said.contains("MAX_TOKENS_PER_MIN"), "{said}");
    }
}

#[tokio::test]
async fn check_prints_what_is_in_force_and_no_secret() {
    let checked = bare("https://idp.example")
        .set("AUTH_BACKEND", "keycloak")
        .set("ENGINE_URL", "https://api.openai.com/v1")
        .set("ENGINE_API_KEY", "sk-canary-secret")
        .set("ATTACH_REDACT_KEY", "redact-canary-secret-0123456789abcdef")
        .set("ALLOWED_GROUPS", "eng, ops")
        .check()
        .await;
    assert!(checked.ok, "{checked:?}");
    for part in
        ["https://idp.example", "keycloak", AUDIENCE, "api.openai.com", "with a key", "eng, ops", "strict"]
    {
        assert!(checked.stdout.contains(part), "{part}: {}", checked.stdout);
    }
    assert!(!format!("{checked:?}").contains("canary-secret"), "{checked:?}");
}

#[tokio::test]
async fn check_refuses_what_a_start_would_refuse() {
    let google = bare("https://accounts.google.com").set("AUTH_BACKEND", "google").check().await;
    assert!(!google.ok && google.stderr.contains("hd"), "{google:?}");
    let okta = bare("https://dev-1.okta.com").set("AUTH_BACKEND", "okta").check().await;
    assert!(!okta.ok && okta.stderr.contains("/oauth2/default"), "{okta:?}");
}

#[tokio::test]
async fn listening_off_loopback_is_loud() {
    let (issuer, upstream) = (Issuer::start().await, Upstream::model().await);
    let gateway = Launch::env(&issuer, &upstream).arguments(&["--host", "0.0.0.0"]).start().await;
    let line = gateway.stderr.line("CLEAR TEXT").await;
    assert!(line.contains("WARN"), "{line}");
    let quiet = Launch::env(&issuer, &upstream).start().await;
    quiet.stderr.line("every authenticated caller").await;
    assert!(!quiet.stderr.text().contains("CLEAR TEXT"));
}

#[tokio::test]
async fn one_state_directory_serves_one_gateway() {
    let (issuer, upstream) = (Issuer::start().await, Upstream::model().await);
    let state = TempDir::new();
    let place = state.path().display().to_string();
    let first = Launch::env(&issuer, &upstream).set("ATTACH_STATE_DIR", &place).start().await;
    let mut first = first.with_state(state.path());
    let said = Launch::env(&issuer, &upstream).set("ATTACH_STATE_DIR", &place).refusal().await;
    assert!(said.contains("in use"), "{said}");
    first.stop_and_verify().await;
    let second = Launch::env(&issuer, &upstream).set("ATTACH_STATE_DIR", &place).start().await;
    second.with_state(state.path()).stop_and_verify().await;
}

#[tokio::test]
async fn a_state_directory_that_others_can_read_is_refused() {
    let (issuer, upstream) = (Issuer::start().await, Upstream::model().await);
    let state = TempDir::new();
    state.write("somebody-elses", "x");
    std::fs::set_permissions(state.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    let place = state.path().display().to_string();
    let said = Launch::env(&issuer, &upstream).set("ATTACH_STATE_DIR", &place).refusal().await;
    assert!(said.contains("chmod 700"), "{said}");
}

#[tokio::test]
async fn a_key_in_a_file_is_used_and_two_keys_are_refused() {
    let keys = TempDir::new();
    let path = keys.write("key", "sk-from-a-file\n").display().to_string();
    let world = World::with(Upstream::model().await, |launch| launch.set("ENGINE_API_KEY_FILE", &path)).await;
    world.post(CHATS[0]).json(&question(CHATS[0], "gpt-4o", "hello")).send().await.expect(200);
    assert_eq!(world.upstream.only().header("authorization"), Some("Bearer sk-from-a-file"));
    let both = bare("https://idp.example").set("ENGINE_API_KEY", "a").set("ENGINE_API_KEY_FILE", &path);
    let said = both.refusal().await;
    assert!(said.contains("ENGINE_API_KEY_FILE"), "{said}");
}

#[tokio::test]
async fn ollama_over_its_usual_port_is_the_default_engine() {
    let checked = bare("https://idp.example").check().await;
    assert!(checked.stdout.contains("upstream engine: ollama at http://localhost:11434"), "{checked:?}");
}

#[tokio::test]
async fn settings_that_hold_nothing_are_named_and_not_stumbled_over() {
    for (name, value) in [
        ("ENGINE_KIND", ","),
        ("OIDC_AUD", " , "),
        ("ENGINE_KIND", "openai,gopher"),
        ("ENGINE_URL", "localhost"),
    ] {
        let said = bare("https://idp.example").set(name, value).refusal().await;
        assert!(!said.contains("panicked"), "{name}={value}: {said}");
        assert!(
            said.contains(name) || said.contains("engine") || said.contains("audience"),
            "{name}={value}: {said}"
        );
    }
}

#[tokio::test]
async fn the_audit_mode_can_be_chosen() {
    let world =
        World::with(Upstream::model().await, |launch| launch.set("ATTACH_AUDIT_MODE", "relaxed")).await;
    let answer = world.post(CHATS[0]).json(&question(CHATS[0], "m", "hello")).send().await.expect(200);
    assert_eq!(world.gateway.finished(&answer.id()).await.outcome()["mode"], "relaxed");
    let said = bare("https://idp.example").set("ATTACH_AUDIT_MODE", "sometimes").refusal().await;
    assert!(said.contains("audit.mode") || said.contains("ATTACH_AUDIT_MODE"), "{said}");
}

#[tokio::test]
async fn an_address_that_is_taken_is_an_error_that_says_so() {
    let world = World::start().await;
    let port = world.gateway.addr.port().to_string();
    let launch = Launch::env(&world.issuer, &world.upstream).arguments(&["--host", "127.0.0.1"]);
    let said = launch.port(&port).refusal().await;
    assert!(said.contains("in use") && said.contains("address"), "{said}");
}

const FILE: &str = r#"
[[issuer]]
issuer = "{ISSUER}"
audience = ["api://attach-test"]
[[upstream]]
name = "local"
kind = "openai"
url = "{UPSTREAM}"
"#;

fn file(extra: &str) -> Launch {
    let text = FILE.replace("{ISSUER}", "https://idp.example").replace("{UPSTREAM}", "http://localhost:1");
    Launch::file(&format!("{extra}\n{text}"))
}

#[tokio::test]
async fn a_file_without_access_rules_denies() {
    let world = World::file(Upstream::model().await, FILE).await;
    let answer = world.post(CHATS[0]).json(&question(CHATS[0], "gpt-4o", "hello")).send().await.expect(403);
    assert_eq!(answer.code(), "model_not_available");
    assert!(world.upstream.seen().is_empty());
    let reject = world.gateway.trail(&answer.id());
    assert_eq!(reject.reject()["decision"]["reason"], "model_not_available");
    let listed = world.get("/v1/models").send().await.expect(200);
    assert_eq!(listed.json()["data"], json!([]));
}

#[tokio::test]
async fn an_unknown_key_names_the_nearest() {
    let said = file("[server]\nmax_bodi = \"4MiB\"").refusal().await;
    assert!(said.contains("server.max_bodi") && said.contains("\"max_body\""), "{said}");
    let said = file("[sever]").refusal().await;
    assert!(said.contains("\"server\""), "{said}");
}

#[tokio::test]
async fn a_key_of_a_later_version_says_so() {
    let said = file("[redact]\ntenant = true").refusal().await;
    assert!(said.contains("later version"), "{said}");
}

#[tokio::test]
async fn a_variable_beside_a_file_is_refused_naming_both() {
    let said = file("").set("OIDC_AUD", "api://other").refusal().await;
    assert!(said.contains("OIDC_AUD") && said.contains("attach.toml"), "{said}");
    let text = "[redact]\nkey = { env = \"ATTACH_REDACT_KEY\" }";
    let referred = file(text).set("ATTACH_REDACT_KEY", "0123456789abcdef0123456789abcdef").check().await;
    assert!(referred.ok, "{referred:?}");
    let harmless = file("").set("RUST_LOG", "warn").check().await;
    assert!(harmless.ok, "{harmless:?}");
}

#[tokio::test]
async fn a_file_that_makes_no_sense_says_where() {
    for (extra, part) in [
        ("[server]\nlisten = \"here\"", "server.listen"),
        ("[server]\ndrain = \"30 fortnights\"", "30s"),
        ("[access]\ndefault = \"maybe\"", "access.default"),
        ("[[model]]\nname = \"a\"\nto = [\"nowhere\"]", "nowhere"),
        ("[[quota]]\nid = \"q\"\ntokens = \"many\"", "quota"),
        ("[redact]\ndefault = \"hide\"", "redact.default"),
        ("[audit]\nmode = \"sometimes\"", "audit.mode"),
        ("[server", "TOML"),
    ] {
        let said = file(extra).refusal().await;
        assert!(said.contains(part), "{extra}: {said}");
    }
    let missing = Launch::bare().arguments(&["--config", "no-such.toml"]).refusal().await;
    assert!(missing.contains("no-such.toml"), "{missing}");
}
