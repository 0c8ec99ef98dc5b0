use std::fmt::Write as _;

use attach_core::Dialect;

use super::{Azure, Bedrock, Config, Redact, Source, Upstream};
use super::{audit, model, server, telemetry};

mod rights;

/// Writes into a `String` cannot fail, so their results are dropped.
pub(super) fn describe(config: &Config) -> String {
    let mut out = String::new();
    let _ = writeln!(out, "# from {}", source(&config.source));
    ground(&mut out, config);
    for host in &config.hosts {
        let _ = writeln!(out, "host {host}");
    }
    for issuer in &config.issuers {
        let _ = writeln!(out, "issuer: {issuer}");
    }
    for front_end in &config.front_ends {
        let _ = writeln!(out, "front_end {front_end}");
    }
    for one in &config.upstreams {
        upstream(&mut out, one);
    }
    for one in &config.models {
        model::describe(&mut out, one, config);
    }
    if config.models.is_empty() {
        let _ = writeln!(out, "model *: {}", config.upstreams[0].name);
    }
    for line in &config.access_summary {
        let _ = writeln!(out, "access: {line}");
    }
    for line in &config.quota.summary {
        let _ = writeln!(out, "{line}");
    }
    for line in &config.quota.warnings {
        let _ = writeln!(out, "# warning: {line}");
    }
    if config.limits.is_empty() {
        let _ = writeln!(out, "quota: no limit");
    }
    if let Some(one) = config.upstreams.first() {
        let _ = writeln!(out, "translation.unsupported = {:?}", one.unsupported.as_str());
    }
    redact(&mut out, &config.redact);
    rights::describe(&mut out, config);
    audit::describe(&mut out, &config.audit);
    telemetry::describe(&mut out, &config.telemetry);
    out
}

fn source(source: &Source) -> String {
    match source {
        Source::Environment => "the environment".into(),
        Source::File(path) => path.display().to_string(),
        Source::Embedded => "built-in defaults".into(),
    }
}

fn ground(out: &mut String, config: &Config) {
    server::describe(out, &config.server);
    let place = config.state_dir.as_ref().map(|dir| format!("{:?}", dir.display().to_string()));
    let _ = writeln!(out, "state.dir = {}", place.as_deref().unwrap_or("the platform's place for state"));
    let counts = match (&config.counts, &config.redis) {
        (None, _) => "on this node",
        (Some(_), None) => "in state.quota_redis",
        (Some(_), Some(_)) => "in Redis, with the other nodes",
    };
    let _ = writeln!(out, "quotas are counted {counts}");
    if let Some(alerts) = &config.alerts {
        let signed = if alerts.key.is_some() { "signed" } else { "not signed" };
        let _ = writeln!(out, "alerts: at {:?} % of a budget, to a webhook, {signed}", alerts.quota_used);
    }
}

fn upstream(out: &mut String, upstream: &Upstream) {
    let key = if upstream.key.is_some() { ", with a key" } else { "" };
    let place = if upstream.labels.trusted { "trusted" } else { "outside the perimeter" };
    let dialects: Vec<_> = upstream.dialects.iter().map(|dialect| dialect_name(*dialect)).collect();
    let _ = writeln!(
        out,
        "upstream {}: {} at {}{key}; speaks {}; {place}; identity_headers = {}",
        upstream.name,
        upstream.kind.as_str(),
        upstream.url,
        if dialects.is_empty() { "Converse".into() } else { dialects.join(", ") },
        upstream.identity_headers.as_str()
    );
    let own = upstream.bedrock.as_ref().map(Bedrock::describe);
    if let Some(own) = own.or_else(|| upstream.azure.as_ref().map(Azure::describe)) {
        let _ = writeln!(out, "upstream {}: {own}", upstream.name);
    }
    let reach = upstream.reach.describe();
    if let Some(reach) = reach.strip_prefix(", ") {
        let _ = writeln!(out, "upstream {}: reached {reach}", upstream.name);
    }
    let timeouts = &upstream.timeouts;
    let _ = writeln!(
        out,
        "upstream {}: zero_retention = {}, trains_on_data = {}, region = {}; timeouts {:?} to connect, {:?} to the first \
         byte, {:?} idle, {:?} in all",
        upstream.name,
        upstream.labels.zero_retention,
        upstream.labels.trains_on_data.map_or("unknown".into(), |trains| trains.to_string()),
        upstream.labels.region.as_deref().unwrap_or("unknown"),
        timeouts.connect,
        timeouts.first_byte,
        timeouts.idle,
        timeouts.total
    );
    if !upstream.responses {
        let _ = writeln!(out, "upstream {}: has no Responses API; calls of it are translated", upstream.name);
    }
    if let Some(most) = upstream.max_in_flight {
        let _ = writeln!(out, "upstream {}: at most {most} calls at a time", upstream.name);
    }
    if upstream.labels.zero_retention {
        let _ = writeln!(out, "upstream {}: retention by {}", upstream.name, upstream.retention.as_str());
    }
    let breaker = upstream.breaker.map_or_else(|| "off".to_owned(), |breaker| breaker.to_string());
    let _ = writeln!(out, "upstream {}: breaker {breaker}", upstream.name);
    if let Some(probe) = &upstream.probe {
        let _ = writeln!(out, "upstream {}: probed at {probe}", upstream.name);
    }
    if !timeouts.drain.is_zero() {
        let (name, drain) = (&upstream.name, timeouts.drain);
        let _ = writeln!(out, "upstream {name}: read on for {drain:?} when a client has left");
    }
}

fn dialect_name(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::OpenAi => "openai",
        Dialect::Anthropic => "anthropic",
        Dialect::Ollama => "ollama",
        _ => "none",
    }
}

fn redact(out: &mut String, redact: &Redact) {
    if !redact.enabled {
        let _ = writeln!(out, "redact: off");
        return;
    }
    let key = if redact.key.is_some() { "configured" } else { "random per start" };
    let default = redact.default_action.as_deref().unwrap_or("replace");
    let _ = writeln!(out, "redact: {default}, placeholder key {key}, budget {:?}", redact.budget);
    for (entity, action, lexicon) in &redact.entities {
        let action = action.as_deref().unwrap_or(default);
        let lexicon = lexicon.map(|on| format!(", lexicon = {on}")).unwrap_or_default();
        let _ = writeln!(out, "redact {entity}: {action}{lexicon}");
    }
    for (entity, score) in &redact.thresholds {
        let _ = writeln!(out, "redact {entity}: from a score of {score} on");
    }
    for (entity, words) in &redact.words {
        let _ = writeln!(out, "redact {entity}: named by {}", words.join(", "));
    }
    if !redact.exempt.is_empty() {
        let _ = writeln!(out, "redact: {} values are exempt", redact.exempt.len());
    }
    if !redact.exempt_patterns.is_empty() {
        let _ = writeln!(out, "redact: values of {} patterns are exempt", redact.exempt_patterns.len());
    }
    for (upstream, entity, action) in &redact.toward {
        let _ = writeln!(out, "redact {entity}: {action} toward {upstream}");
    }
    found(out, redact);
    redact.engines.iter().for_each(|engine| super::engine::describe(out, engine));
}

/// What is found, and what comes back.
fn found(out: &mut String, redact: &Redact) {
    if redact.private_addresses {
        let _ = writeln!(out, "redact IP_ADDRESS: private addresses, too");
    }
    if let Some(regions) = &redact.regions {
        let _ = writeln!(out, "redact PHONE_NUMBER: as written at home in {}", listed(regions));
    }
    for pattern in &redact.patterns {
        let score = pattern.score.map(|score| format!(", scores {score}")).unwrap_or_default();
        let words = if pattern.words.is_empty() {
            String::new()
        } else {
            format!(", more after {}", pattern.words.join(", "))
        };
        let _ = writeln!(out, "redact {}: pattern {}{score}{words}", pattern.entity, pattern.regex);
    }
    if !redact.external_tools.is_empty() {
        let _ = writeln!(out, "redact: no values into calls of {}", redact.external_tools.join(", "));
    }
    if redact.inspect_signed {
        let _ = writeln!(out, "redact: signed thinking is looked at, too");
    }
    if redact.hide_system {
        let _ = writeln!(out, "redact: values of system prompts are not restored");
    }
    for (entity, terms) in &redact.terms {
        let _ = writeln!(out, "redact {entity}: {} terms", terms.len());
    }
    if let Some(ner) = &redact.ner {
        let _ = writeln!(out, "redact: {ner}");
    }
    for (modality, action) in &redact.uninspectable {
        let _ = writeln!(out, "redact.uninspectable.{modality} = \"{action}\"");
    }
}

fn listed(names: &[String]) -> String {
    if names.is_empty() { "no country".into() } else { names.join(", ") }
}
