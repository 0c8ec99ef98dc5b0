//! The shape of the configuration that was promised: one file with every key of it, and each of its other spellings.

use crate::support::{Launch, TempDir};

const WHOLE: &str = include_str!("config_whole.toml");

/// A certificate that signs nothing.
const CA: &str = include_str!("../../src/config/schema/example-ca.pem");

/// What `check` says of the file.
async fn checked(text: &str) -> String {
    let files = TempDir::new();
    let mut text = text.to_owned();
    let token = "0123456789abcdef0123456789abcdef\n";
    for (name, content) in [("projects.txt", "Project Alpha\n"), ("scim.token", token), ("idp-ca.pem", CA)] {
        let path = files.write(name, content).display().to_string();
        text = text.replace(&format!("\"{name}\""), &format!("{path:?}"));
    }
    let launch = Launch::file(&text)
        .set("REDIS_URL", "redis://localhost")
        .set("ATTACH_REDACT_KEY", token.trim())
        .set("INTROSPECTION_SECRET", "a-secret-of-nobody")
        .set("OPENAI_API_KEY", "a-key-of-nobody")
        .set("HEC_TOKEN", "a-token-of-nobody");
    let checked = launch.check().await;
    assert!(checked.ok, "{text}\n{checked:?}");
    assert!(!checked.stdout.contains("of-nobody") && !checked.stdout.contains(token.trim()), "{checked:?}");
    checked.stdout
}

#[tokio::test]
async fn a_file_with_every_promised_key_is_accepted_and_in_force() {
    let said = checked(WHOLE).await;
    for line in [
        ", TLS with tls.crt",
        "server.trusted_proxies: Forwarded of 10.0.0.0/8",
        "upstream openai: at most 500 calls at a time",
        "model team-chat, claude-sonnet-4, gpt-4o-mini: openai as gpt-4o-mini (weight 9), else local as llama3",
        "access: deny no-hosted-tools-for-services",
        "quota power-users-budget: 500 USD/month in Europe/Berlin",
        "redact US_PASSPORT: replace",
        "redact EMPLOYEE_ID: pattern",
        "audit.mode = \"strict\"; content = \"redacted\"",
        "audit.keep: age 400d, size 204800 MiB",
        "audit.egress splunk-hec: Splunk HEC at https://splunk.example.com:8088",
        "revocation.scim: directory acme",
        "revocation.universal_logout: ",
        "keys: at most 7776000s",
        "admin: at 127.0.0.1:9091",
        "server.telemetry_listen = \"127.0.0.1:9090\"",
        "telemetry: metrics and traces by OTLP to http://localhost:4317",
    ] {
        assert!(said.contains(line), "{line}: {said}");
    }
}

#[tokio::test]
async fn each_other_spelling_of_a_promised_key_is_accepted() {
    let tls = "{ cert = \"tls.crt\", key = \"tls.key\" }";
    for (from, to) in [
        ("listen           = \"127.0.0.1:8080\"", "listen = \"unix:/run/attach/attach.sock\""),
        (tls, "\"terminated-by-proxy\""),
        (tls, "{ cert = \"tls.crt\", key = \"tls.key\", client_ca = \"clients.crt\" }"),
        ("identity_headers = \"none\"", "identity_headers = \"pseudonym\""),
        ("identity_headers = \"none\"", "identity_headers = \"full\""),
        ("[\"AI-Power-Users\"]", "[\"acme/AI-Power-Users\"]"),
        ("default = \"deny\"", "default = \"allow\""),
        ("\"60000/min\"", "\"1000/s\""),
        ("each    = \"user\"", "each = \"claim:department\""),
        ("each    = \"user\"", "each = \"key\"\nshared = false"),
        ("\"refuse\"", "\"cut\""),
        ("\"refuse\"", "\"clamp\""),
        ("\"refuse\"", "\"shadow\""),
        ("when_store_down = \"closed\"", "when_store_down = \"open\""),
        ("mode    = \"strict\"", "mode = \"overlap\""),
        ("mode    = \"strict\"", "mode = \"relaxed\""),
        ("\"ocsf\"", "\"native\""),
        ("{ env = \"HEC_TOKEN\" }", "{ command = [\"echo\", \"token\"] }"),
    ] {
        let text = WHOLE.replacen(from, to, 1);
        assert_ne!(text, WHOLE, "{from}");
        checked(&text).await;
    }
}
