//! From a `[[redact.engine]]` to an inspector.

use std::sync::Arc;

use attach_core::client::Client;
use attach_redact::remote::bedrock::BedrockGuardrails;
use attach_redact::remote::{Presidio, Remote, Webhook};
use attach_redact::{Builder, ConfigError, Inspect, Remembering, WhenDown};

use crate::config::{Analyzer, Engine, EngineKind, Guardrail};

/// How long an answer may be, in bytes: it grows with what was found.
const LONGEST: usize = 8 << 20;

/// `builder` with `engine` as one of those it asks.
pub(super) fn add(builder: Builder, engine: &Engine) -> Result<Builder, ConfigError> {
    let client = Client::new().map_err(|why| ConfigError::Remote(format!("TLS: {why}").into()))?;
    let client = client.with_timeout(engine.timeout).with_max_bytes(LONGEST);
    let remote = Remote::new(Arc::new(client)).deadline(engine.timeout);
    match &engine.kind {
        EngineKind::Bedrock(settings) => with(builder, engine, guardrail(settings, remote)?),
        EngineKind::Presidio(settings) => with(builder, engine, analyzer(settings, remote)?),
        EngineKind::Webhook { url, token } => {
            let webhook = Webhook::new(url, remote)?;
            let webhook = match token {
                Some(token) => webhook.bearer(token.expose())?,
                None => webhook,
            };
            with(builder, engine, webhook)
        }
    }
}

fn with(builder: Builder, engine: &Engine, inspector: impl Inspect) -> Result<Builder, ConfigError> {
    let when_down = if engine.open { WhenDown::Open } else { WhenDown::Closed };
    Ok(match engine.remember {
        0 => builder.inspector(inspector, when_down),
        texts => builder.inspector(Remembering::new(inspector, texts)?, when_down),
    })
}

fn guardrail(settings: &Guardrail, remote: Remote) -> Result<BedrockGuardrails, ConfigError> {
    let Guardrail { region, url, id, version, access, characters } = settings;
    let mut guardrail = BedrockGuardrails::new(region, id, version, access.keys(), remote)?;
    if let Some(url) = url {
        guardrail = guardrail.endpoint(url)?;
    }
    Ok(match characters {
        Some(characters) => guardrail.characters(*characters),
        None => guardrail,
    })
}

fn analyzer(settings: &Analyzer, remote: Remote) -> Result<Presidio, ConfigError> {
    let mut presidio = Presidio::new(&settings.url, remote)?.batch(settings.batch.unwrap_or(true));
    if let Some(language) = &settings.language {
        presidio = presidio.language(language);
    }
    if let Some(score) = settings.score_threshold {
        presidio = presidio.score_threshold(score);
    }
    Ok(match &settings.entities {
        Some(entities) => presidio.entities(entities),
        None => presidio,
    })
}
