//! From a `[[redact.engine]]` to inspectors.

use std::sync::Arc;

use attach_core::client::Client;
use attach_redact::remote::bedrock::BedrockGuardrails;
use attach_redact::remote::{Presidio, Remote, Webhook};
use attach_redact::{Builder, ConfigError, Inspect, Remembering, WhenDown};

use crate::config::{Analyzer, Engine, EngineKind, Guardrail, Secret};

/// How long an answer may be, in bytes: it grows with what was found.
const LONGEST: usize = 8 << 20;

/// `builder` with `engine` as one of those it asks: about requests, answers or both, as if there were two of it.
pub(super) fn add(mut builder: Builder, engine: &Engine) -> Result<Builder, ConfigError> {
    let client = Client::new().map_err(|why| ConfigError::Remote(format!("TLS: {why}").into()))?;
    let client = client.with_timeout(engine.timeout).with_max_bytes(LONGEST);
    let remote = Remote::new(Arc::new(client)).deadline(engine.timeout);
    let sides = [(engine.inspects.requests(), false), (engine.inspects.answers(), true)];
    for (_, answers) in sides.into_iter().filter(|(is_asked, _)| *is_asked) {
        let remote = remote.clone();
        builder = match &engine.kind {
            EngineKind::Bedrock(settings) => {
                let guardrail = guardrail(settings, remote)?;
                with(builder, engine, answers, if answers { guardrail.of_answers() } else { guardrail })?
            }
            EngineKind::Presidio(settings) => with(builder, engine, answers, analyzer(settings, remote)?)?,
            EngineKind::Webhook { url, token } => {
                let webhook = webhook(url, token.as_ref(), remote)?;
                with(builder, engine, answers, if answers { webhook.of_answers() } else { webhook })?
            }
        };
    }
    Ok(builder)
}

fn webhook(url: &str, token: Option<&Secret>, remote: Remote) -> Result<Webhook, ConfigError> {
    let webhook = Webhook::new(url, remote)?;
    match token {
        Some(token) => webhook.bearer(token.expose()),
        None => Ok(webhook),
    }
}

fn with(
    builder: Builder,
    engine: &Engine,
    answers: bool,
    inspector: impl Inspect,
) -> Result<Builder, ConfigError> {
    match engine.remember {
        0 => Ok(among(builder, engine, answers, inspector)),
        texts => Ok(among(builder, engine, answers, Remembering::new(inspector, texts)?)),
    }
}

fn among(builder: Builder, engine: &Engine, answers: bool, inspector: impl Inspect) -> Builder {
    let when_down = if engine.open { WhenDown::Open } else { WhenDown::Closed };
    if answers {
        builder.answer_inspector(inspector, when_down)
    } else {
        builder.inspector(inspector, when_down)
    }
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
