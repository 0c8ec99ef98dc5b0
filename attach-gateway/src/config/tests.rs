use std::collections::HashMap;
use std::time::Duration;

use attach_core::Dialect;

use super::*;

const OKTA: [(&str, &str); 3] = [
    ("AUTH_BACKEND", "okta"),
    ("OIDC_ISSUER", "https://dev-123456.okta.com/oauth2/default"),
    ("OIDC_AUD", "api://default"),
];

fn from_env(more: &[(&str, &str)]) -> Result<Config, ConfigError> {
    let variables: HashMap<String, String> =
        OKTA.iter().chain(more).map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Config::from_env(|name| variables.get(name).cloned())
}

fn refused(more: &[(&str, &str)]) -> String {
    from_env(more).unwrap_err().to_string()
}

const FILE: &str = r#"
[server]
listen = "127.0.0.1:9000"
max_body = "1MiB"
drain = "5s"

[[issuer]]
directory = "acme"
issuer = "https://idp.example.com"
audience = ["api"]

[[upstream]]
name = "local"
kind = "ollama"
url = "http://localhost:11434"
trusted = true

[[upstream]]
name = "openai"
kind = "openai"
url = "https://api.openai.com/v1"
key = { env = "OPENAI_KEY" }
timeout = { idle = "5s" }

[[model]]
name = "gpt-4*"
to = ["openai"]
tier = "large"

[[model]]
name = "team-chat"
aliases = ["assistant"]
to = [{ upstream = "openai", model = "gpt-4o-mini" }, "local"]

[[access.allow]]
id = "all"
models = ["*"]

[[quota]]
id = "per-user"
each = "user"
tokens = "60000/min"
"#;

fn parsed(text: &str) -> Result<Config, ConfigError> {
    Config::parse(text, |name| (name == "OPENAI_KEY").then(|| "sk-secret-value".to_owned()))
}

#[test]
fn three_variables_are_enough() {
    let config = from_env(&[]).unwrap();
    assert_eq!(config.server.listen.to_string(), "127.0.0.1:8080");
    assert_eq!(config.upstreams[0].url, "http://localhost:11434");
    assert_eq!(config.upstreams[0].kind, Kind::Ollama);
    assert!(config.limits.is_empty());
    assert!(config.redact.enabled, "the environment redacts even for a local engine");
    assert!(!config.upstreams[0].labels.trusted);
    assert_eq!(config.source, Source::Environment);
}

#[test]
fn what_is_missing_is_named() {
    let error = Config::from_env(|_| None).unwrap_err().to_string();
    assert!(error.starts_with("OIDC_ISSUER is not set"), "{error}");
    assert!(refused(&[("OIDC_AUD", " , ")]).contains("audience"), "an empty list is no audience");
}

#[test]
fn no_limit_has_many_names() {
    for text in ["", "none", "null", "False", "infinite"] {
        assert!(from_env(&[("MAX_TOKENS_PER_MIN", text)]).unwrap().limits.is_empty(), "{text}");
    }
    let limits = from_env(&[("MAX_TOKENS_PER_MIN", "60000")]).unwrap().limits;
    assert_eq!((limits[0].id(), limits[0].capacity()), ("per-user", 60_000));
    for text in ["0", "-5", "many", "6e4"] {
        assert!(refused(&[("MAX_TOKENS_PER_MIN", text)]).contains("MAX_TOKENS_PER_MIN"), "{text}");
    }
}

#[test]
fn an_engine_elsewhere_speaks_openais_interface_unless_told() {
    let kind = |more: &[(&str, &str)]| from_env(more).unwrap().upstreams[0].dialects.clone();
    assert_eq!(kind(&[("ENGINE_URL", "http://localhost:8000")]), [Dialect::OpenAi]);
    assert_eq!(kind(&[("ENGINE_URL", "http://host:1"), ("ENGINE_KIND", "ollama")])[0], Dialect::Ollama);
    let both = kind(&[("ENGINE_URL", "http://host:1"), ("ENGINE_KIND", "openai, anthropic")]);
    assert_eq!(both, [Dialect::OpenAi, Dialect::Anthropic]);
    assert!(refused(&[("ENGINE_KIND", "bedrock")]).contains("region"));
    assert!(refused(&[("ENGINE_KIND", ",")]).contains("ENGINE_KIND"));
}

#[test]
fn two_keys_for_one_engine_are_one_too_many() {
    let both = [("ENGINE_API_KEY", "a"), ("ENGINE_API_KEY_FILE", "/b")];
    assert!(refused(&both).contains("keep one"));
}

#[test]
fn a_redis_in_the_environment_is_where_nodes_share_their_state() {
    assert!(from_env(&[("REDIS_URL", "")]).unwrap().redis.is_none());
    let config = from_env(&[("REDIS_URL", "redis://:hunter2@localhost")]).unwrap();
    assert!(config.redis.is_some());
    assert!(config.describe().contains("state: shared by Redis"));
    assert!(!format!("{config:?}").contains("hunter2") && !config.describe().contains("hunter2"));
    let error = refused(&[("REDIS_URL", "localhost:hunter2")]);
    assert!(error.starts_with("state.redis") && !error.contains("hunter2"), "{error}");
}

#[test]
fn redaction_is_switched_off_by_one_word_only() {
    assert!(!from_env(&[("ATTACH_REDACT", "off")]).unwrap().redact.enabled);
    assert!(refused(&[("ATTACH_REDACT", "nope")]).contains("neither on nor off"));
}

#[test]
fn redaction_has_a_budget_of_a_second_unless_the_file_sets_another() {
    let with = |set: &str| parsed(&format!("{FILE}\n[redact]\n{set}\n"));
    let config = with("").unwrap();
    assert_eq!(config.redact.budget.as_millis(), 1000);
    assert_eq!(from_env(&[]).unwrap().redact.budget.as_millis(), 1000);
    let config = with("budget = \"250ms\"").unwrap();
    assert_eq!(config.redact.budget.as_millis(), 250);
    assert!(config.describe().contains("budget 250ms"), "{}", config.describe());
    for wrong in ["0s", "61s"] {
        let error = with(&format!("budget = \"{wrong}\"")).unwrap_err().to_string();
        assert!(error.starts_with("redact.budget: between"), "{error}");
    }
}

#[test]
fn a_file_means_what_it_says() {
    let config = parsed(FILE).unwrap();
    assert_eq!(config.server.listen.tcp().unwrap().port(), 9000);
    assert_eq!((config.server.max_body, config.server.drain), (1 << 20, Duration::from_secs(5)));
    let openai = &config.upstreams[1];
    assert_eq!(openai.url, "https://api.openai.com");
    assert_eq!(openai.identity_headers, IdentityHeaders::None, "outside nobody is told who is calling");
    assert_eq!(config.upstreams[0].identity_headers, IdentityHeaders::Full);
    assert_eq!(openai.timeouts.idle, Duration::from_secs(5));
    assert_eq!(config.models[0].labels[0].tier.as_deref(), Some("large"));
    assert_eq!(config.models[1].targets.len(), 2);
}

#[test]
fn what_is_in_force_is_printed_without_secrets() {
    let text = parsed(FILE).unwrap().describe();
    assert!(!text.contains("sk-secret-value"));
    for line in [
        "server.max_body",
        "model gpt-4*",
        "quota per-user: 60000 tokens/minute for each user",
        "everything not allowed below is denied",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
    assert!(!format!("{:?}", parsed(FILE).unwrap()).contains("sk-secret-value"));
}

#[test]
fn a_file_that_makes_no_sense_says_where() {
    for (from, to, said) in [
        ("kind = \"ollama\"", "kind = \"gemini\"", "azure, anthropic, bedrock"),
        ("to = [\"openai\"]", "to = [\"opnai\"]", "no [[upstream]] named"),
        ("to = [\"openai\"]", "to = []", "names no upstream"),
        ("60000/min", "60000/fortnight", "per-user"),
        ("each = \"user\"", "each = \"planet\"", "planet"),
        ("name = \"openai\"", "name = \"local\"", "twice"),
        ("127.0.0.1:9000", "nine thousand", "server.listen"),
        ("OPENAI_KEY", "NOT_SET", "NOT_SET"),
        ("max_body = \"1MiB\"", "max_body = 5", "size"),
    ] {
        let error = parsed(&FILE.replacen(from, to, 1)).unwrap_err().to_string();
        assert!(error.contains(said), "{to}: {error}");
    }
}

#[test]
fn with_two_directories_a_group_names_its_own() {
    let two = format!(
        "{FILE}\n[[issuer]]\ndirectory = \"partner\"\nissuer = \"https://idp.partner.example\"\naudience = [\"api\"]\n"
    );
    let rule =
        |group: &str| two.replace("models = [\"*\"]", &format!("models = [\"*\"]\ngroups = [\"{group}\"]"));
    assert!(parsed(&rule("AI-Power-Users")).unwrap_err().to_string().contains("AI-Power-Users"));
    parsed(&rule("acme/AI-Power-Users")).unwrap();
}

#[test]
fn a_variable_besides_a_file_is_a_mistake() {
    let path = std::env::temp_dir().join(format!("attach-config-{}.toml", std::process::id()));
    std::fs::write(&path, FILE).unwrap();
    let env =
        |set: &'static str| move |name: &str| (name == set || name == "OPENAI_KEY").then(|| "x".to_owned());
    let error = Config::from_file(&path, env("OIDC_AUD")).unwrap_err().to_string();
    assert!(error.contains("OIDC_AUD") && error.contains("attach-config-"), "{error}");
    Config::from_file(&path, env("RUST_LOG")).unwrap();
    std::fs::remove_file(path).unwrap();
}

const ISSUER: &str = "audience = [\"api\"]";

fn with_issuer(settings: &str) -> Result<Config, ConfigError> {
    parsed(&FILE.replace(ISSUER, &format!("{ISSUER}\n{settings}")))
}

#[test]
fn an_issuer_says_which_tokens_are_looked_at() {
    let shown = with_issuer("algorithms = [\"ES256\", \"EdDSA\"]\ntyp = \"at+jwt\"\naccept_id_tokens = true");
    let shown = shown.unwrap().describe();
    assert!(shown.contains("algorithms ES256, EdDSA, typ at+jwt, ID tokens accepted"), "{shown}");
    assert!(!with_issuer("typ = \"any\"").unwrap().describe().contains("typ at+jwt"));
    for (wrong, said) in [
        ("algorithms = [\"HS256\"]", "these can: RS256"),
        ("algorithms = []", "no algorithm"),
        ("typ = \"jwt\"", "neither"),
        ("ca = \"/nowhere.pem\"", "/nowhere.pem"),
        ("ca = \"/dev/null\"", "no certificate"),
    ] {
        let error = with_issuer(wrong).and_then(|config| {
            crate::run::verifier(&config, &crate::run::fetch().unwrap())
                .map(|_| config)
                .map_err(|error| ConfigError::new(error.to_string()))
        });
        let error = error.unwrap_err().to_string();
        assert!(error.contains(said), "{error}");
    }
}

#[test]
fn introspection_is_shown_without_its_secret() {
    let settings = "introspection = { client_id = \"gateway\", client_secret = { env = \"OPENAI_KEY\" }, \
                    endpoint = \"https://idp.example.com/introspect\", every_token = true }";
    let config = with_issuer(settings).unwrap();
    let shown = config.describe();
    assert!(
        shown.contains("introspection at https://idp.example.com/introspect as client gateway"),
        "{shown}"
    );
    assert!(shown.contains("of JWTs as well") && !shown.contains("sk-secret-value"), "{shown}");
    assert!(!format!("{config:?}").contains("sk-secret-value"));
    let inline = with_issuer("introspection = { client_id = \"gateway\", client_secret = \"hunter2\" }");
    let inline = inline.unwrap_err().to_string();
    assert!(inline.contains("never written into the file") && !inline.contains("hunter2"), "{inline}");
    let plain = with_issuer(&settings.replace("https://", "http://")).unwrap_err().to_string();
    assert!(plain.contains("plain http"), "{plain}");
    let nearest = with_issuer(&settings.replace("every_token", "evry_token")).unwrap_err().to_string();
    assert!(nearest.contains("\"every_token\""), "{nearest}");
}

#[test]
fn the_environment_configures_introspection_by_client_and_secret() {
    const ID: (&str, &str) = ("OIDC_INTROSPECTION_CLIENT_ID", "gateway");
    const SECRET: (&str, &str) = ("OIDC_INTROSPECTION_CLIENT_SECRET", "hunter2");
    let shown = from_env(&[ID, SECRET, ("OIDC_ALGORITHMS", "RS256")]).unwrap().describe();
    assert!(shown.contains("as client gateway") && !shown.contains("hunter2"), "{shown}");
    assert!(shown.contains("algorithms RS256"), "{shown}");
    assert!(refused(&[ID]).contains("OIDC_INTROSPECTION_CLIENT_SECRET"));
    assert!(refused(&[SECRET]).contains("needs OIDC_INTROSPECTION_CLIENT_ID"));
    let both = refused(&[ID, SECRET, ("OIDC_INTROSPECTION_CLIENT_SECRET_FILE", "/dev/null")]);
    assert!(both.contains("keep one"), "{both}");
    let empty = refused(&[ID, ("OIDC_INTROSPECTION_CLIENT_SECRET_FILE", "/dev/null")]);
    assert!(empty.contains("empty"), "{empty}");
}
