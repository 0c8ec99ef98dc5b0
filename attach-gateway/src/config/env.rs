//! The configuration from environment variables alone.

use std::path::{Path, PathBuf};

use toml::{Table, Value};

use super::audit;
use super::file::{File, Introspection, Issuer, Redact, Server, State, Timeout, Upstream};
use super::quota::Quota;
use super::secret::SecretRef;
use super::units::Size;
use super::upstream::rotating::KeyRef;
use super::{Config, ConfigError, Source, resolve};

/// Every variable that configures the gateway. `RUST_LOG` and `OTEL_*` are not here: they go with a file too.
pub(crate) const VARIABLES: &[&str] = &[
    "AUTH_BACKEND",
    "OIDC_ISSUER",
    "OIDC_AUD",
    "OIDC_REQUIRED_SCOPES",
    "OIDC_CLIENT_IDS",
    "OIDC_GROUPS_CLAIM",
    "OIDC_HOSTED_DOMAIN",
    "OIDC_ALGORITHMS",
    "OIDC_INTROSPECTION_CLIENT_ID",
    "OIDC_INTROSPECTION_CLIENT_SECRET",
    "OIDC_INTROSPECTION_CLIENT_SECRET_FILE",
    "ALLOWED_GROUPS",
    "MAX_TOKENS_PER_MIN",
    "ENGINE_URL",
    "ENGINE_KIND",
    "ENGINE_API_KEY",
    "ENGINE_API_KEY_FILE",
    "REDIS_URL",
    "MAX_REQUEST_BYTES",
    "ATTACH_STATE_DIR",
    "ATTACH_REDACT",
    "ATTACH_REDACT_KEY",
    "ATTACH_AUDIT_MODE",
];

const DEFAULT_ENGINE: &str = "http://localhost:11434";

type Env<'a> = &'a dyn Fn(&str) -> Option<String>;

pub(super) fn read(env: Env<'_>) -> Result<Config, ConfigError> {
    // A variable that is set but empty is what a deployment template leaves behind: not set.
    let env: Env<'_> =
        &|name| env(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty());
    let file = File {
        server: Server { max_body: max_body(env)?, ..Server::default() },
        state: State {
            dir: env("ATTACH_STATE_DIR").map(PathBuf::from),
            redis: env("REDIS_URL").map(|_| SecretRef::Env("REDIS_URL".into())),
            ..State::default()
        },
        issuer: vec![issuer(env)?],
        upstream: vec![engine(env)?],
        quota: quota(env)?,
        redact: Redact {
            key: env("ATTACH_REDACT_KEY").map(|_| SecretRef::Env("ATTACH_REDACT_KEY".into())),
            ..Redact::default()
        },
        audit: audit::File { mode: env("ATTACH_AUDIT_MODE"), ..audit::File::default() },
        ..File::default()
    };
    let mut config = resolve::resolve(file, env)?;
    config.source = Source::Environment;
    config.redact.enabled = switch("ATTACH_REDACT", env)?.unwrap_or(true);
    resolve::everybody(&mut config);
    Ok(config)
}

fn issuer(env: Env<'_>) -> Result<Issuer, ConfigError> {
    let need = |name: &str, what: &str| {
        env(name).ok_or_else(|| ConfigError::new(format!("{name} is not set: {what}")))
    };
    Ok(Issuer {
        directory: None,
        preset: env("AUTH_BACKEND").unwrap_or_else(|| "generic".into()),
        issuer: need(
            "OIDC_ISSUER",
            "the issuer URL of your identity provider, exactly as in its tokens' `iss`",
        )?,
        audience: list(&need(
            "OIDC_AUD",
            "the audience your tokens are issued for (a comma-separated list)",
        )?),
        required_scopes: env("OIDC_REQUIRED_SCOPES").as_deref().map(list).unwrap_or_default(),
        client_ids: env("OIDC_CLIENT_IDS").as_deref().map(list).unwrap_or_default(),
        groups_claim: env("OIDC_GROUPS_CLAIM"),
        allowed_groups: env("ALLOWED_GROUPS").as_deref().map(list).unwrap_or_default(),
        leeway: None,
        max_lifetime: None,
        jwks_uri: None,
        hosted_domain: env("OIDC_HOSTED_DOMAIN"),
        algorithms: env("OIDC_ALGORITHMS").as_deref().map(list),
        typ: None,
        accept_id_tokens: None,
        ca: None,
        introspection: introspection(env)?,
    })
}

fn introspection(env: Env<'_>) -> Result<Option<Introspection>, ConfigError> {
    let secret = secret("OIDC_INTROSPECTION_CLIENT_SECRET", "OIDC_INTROSPECTION_CLIENT_SECRET_FILE", env)?;
    match (env("OIDC_INTROSPECTION_CLIENT_ID"), secret) {
        (None, None) => Ok(None),
        (Some(client_id), Some(client_secret)) => Ok(Some(Introspection {
            client_id,
            client_secret,
            endpoint: None,
            every_token: false,
            accept_missing_audience: false,
            accept_missing_type: false,
        })),
        (Some(_), None) => Err(ConfigError::new(
            "OIDC_INTROSPECTION_CLIENT_ID needs OIDC_INTROSPECTION_CLIENT_SECRET or \
             OIDC_INTROSPECTION_CLIENT_SECRET_FILE",
        )),
        (None, Some(_)) => {
            Err(ConfigError::new("OIDC_INTROSPECTION_CLIENT_SECRET needs OIDC_INTROSPECTION_CLIENT_ID"))
        }
    }
}

/// A secret from a variable, or from the file that another names.
fn secret(name: &'static str, file: &'static str, env: Env<'_>) -> Result<Option<SecretRef>, ConfigError> {
    match (env(name), env(file)) {
        (Some(_), Some(_)) => Err(ConfigError::new(format!("{name} and {file} are both set; keep one"))),
        (Some(_), None) => Ok(Some(SecretRef::Env(name.into()))),
        (None, Some(path)) => Ok(Some(SecretRef::File(path.into()))),
        (None, None) => Ok(None),
    }
}

fn engine(env: Env<'_>) -> Result<Upstream, ConfigError> {
    let url = env("ENGINE_URL");
    let guess = || vec![guess_kind(url.as_deref().unwrap_or(DEFAULT_ENGINE))];
    let kinds = env("ENGINE_KIND").map_or_else(guess, |text| list(&text));
    let key = secret("ENGINE_API_KEY", "ENGINE_API_KEY_FILE", env)?;
    let kind =
        kinds.first().cloned().ok_or_else(|| ConfigError::new("ENGINE_KIND names no kind of server"))?;
    // Bedrock's is worked out from its region.
    let url = url.or_else(|| (kind != "bedrock").then(|| DEFAULT_ENGINE.to_owned()));
    let key = key.map(|from| match from {
        SecretRef::File(path) => KeyRef::file(path),
        _ => KeyRef::env("ENGINE_API_KEY"),
    });
    Ok(Upstream {
        name: "engine".into(),
        kind,
        url,
        key,
        dialects: (kinds.len() > 1).then_some(kinds),
        responses: None,
        trusted: false,
        zero_retention: false,
        trains_on_data: None,
        region: None,
        identity_headers: None,
        timeout: Timeout::default(),
        bedrock: Default::default(),
        azure: Default::default(),
        reach: Default::default(),
        max_in_flight: None,
        breaker: None,
        probe: None,
        retention: None,
    })
}

/// Ollama listens on 11434 everywhere; what listens elsewhere speaks OpenAI's interface.
fn guess_kind(url: &str) -> String {
    let ollama = url.trim_end_matches('/').ends_with(":11434");
    if ollama { "ollama".into() } else { "openai".into() }
}

fn quota(env: Env<'_>) -> Result<Vec<Quota>, ConfigError> {
    let Some(text) = env("MAX_TOKENS_PER_MIN") else { return Ok(Vec::new()) };
    if ["none", "null", "false", "infinite", "inf", "off"].contains(&text.to_ascii_lowercase().as_str()) {
        return Ok(Vec::new());
    }
    let tokens = text.parse::<u64>().ok().filter(|tokens| *tokens > 0).ok_or_else(|| {
        ConfigError::new(format!("MAX_TOKENS_PER_MIN: {text:?} is neither a number of tokens nor \"none\""))
    })?;
    Ok(vec![Quota::tokens_per_minute("per-user", tokens)])
}

fn max_body(env: Env<'_>) -> Result<Option<Size>, ConfigError> {
    env("MAX_REQUEST_BYTES")
        .map(|text| Size::parse(&text).map_err(|why| ConfigError::new(format!("MAX_REQUEST_BYTES: {why}"))))
        .transpose()
}

fn switch(name: &str, env: Env<'_>) -> Result<Option<bool>, ConfigError> {
    env(name)
        .map(|text| match text.to_ascii_lowercase().as_str() {
            "on" | "true" | "1" => Ok(true),
            "off" | "false" | "0" => Ok(false),
            _ => Err(ConfigError::new(format!("{name}: {text:?} is neither on nor off"))),
        })
        .transpose()
}

fn list(text: &str) -> Vec<String> {
    text.split(',').map(str::trim).filter(|item| !item.is_empty()).map(str::to_owned).collect()
}

/// The file rules: a variable set besides it that the file does not refer to would be silently without effect.
pub(super) fn refuse_both(file: &Table, path: &Path, env: Env<'_>) -> Result<(), ConfigError> {
    let mut referred = Vec::new();
    collect_references(file, &mut referred);
    let set = |name: &&&str| env(name).is_some_and(|value| !value.trim().is_empty());
    match VARIABLES.iter().filter(set).find(|name| !referred.contains(name)) {
        None => Ok(()),
        Some(name) => Err(ConfigError::new(format!(
            "{name} is set, and {} does not refer to it: with a file the environment has no effect; unset {name}",
            path.display()
        ))),
    }
}

/// The names in every `{ env = "NAME" }`.
fn collect_references<'a>(table: &'a Table, names: &mut Vec<&'a str>) {
    for (key, value) in table {
        match value {
            Value::String(name) if key == "env" => names.push(name),
            Value::Table(inner) => collect_references(inner, names),
            Value::Array(items) => {
                items.iter().filter_map(Value::as_table).for_each(|one| collect_references(one, names));
            }
            _ => {}
        }
    }
}
