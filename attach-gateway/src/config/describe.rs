use std::fmt::Write as _;

use super::{Config, Source, Upstream};

/// Writes into a `String` cannot fail, so their results are dropped.
pub(super) fn describe(config: &Config) -> String {
    let mut out = String::new();
    let _ = writeln!(out, "# from {}", source(&config.source));
    let server = &config.server;
    let _ = writeln!(out, "server.listen = \"{}\"", server.listen);
    if let Some(url) = &server.external_url {
        let _ = writeln!(out, "server.external_url = \"{url}\"");
    }
    let _ = writeln!(out, "server.max_body = \"{}B\"", server.max_body);
    let _ = writeln!(out, "server.max_in_flight = {}", server.max_in_flight);
    let _ = writeln!(out, "server.drain = \"{}s\"", server.drain.as_secs());
    for issuer in &config.issuers {
        let _ = writeln!(out, "issuer: {issuer}");
    }
    for upstream in &config.upstreams {
        describe_upstream(&mut out, upstream);
    }
    for model in &config.models {
        let targets: Vec<_> = model.targets.iter().map(|target| &*config.upstreams[target.upstream].name).collect();
        let names: Vec<_> = model.names.iter().map(attach_auth::policy::ModelGlob::as_str).collect();
        let _ = writeln!(out, "model {} -> {}", names.join(", "), targets.join(", "));
    }
    if config.models.is_empty() {
        let _ = writeln!(out, "model * -> {}", config.upstreams[0].name);
    }
    for line in &config.access_summary {
        let _ = writeln!(out, "access: {line}");
    }
    for limit in &config.limits {
        let _ = writeln!(out, "quota: {}", quota(limit));
    }
    if config.limits.is_empty() {
        let _ = writeln!(out, "quota: no limit");
    }
    let _ = writeln!(out, "redact: {}", redact(config));
    let _ = writeln!(out, "audit.mode = \"{}\"", config.audit.mode.as_str());
    out
}

fn source(source: &Source) -> String {
    match source {
        Source::Environment => "the environment".into(),
        Source::File(path) => path.display().to_string(),
        Source::Embedded => "built-in defaults".into(),
    }
}

fn describe_upstream(out: &mut String, upstream: &Upstream) {
    let key = if upstream.key.is_some() { ", with a key" } else { "" };
    let place = if upstream.labels.trusted { "trusted" } else { "outside the perimeter" };
    let _ = writeln!(
        out,
        "upstream {}: {} at {}{key}; {place}; identity_headers = {}",
        upstream.name,
        upstream.kind.as_str(),
        upstream.url,
        upstream.identity_headers.as_str()
    );
}

fn quota(limit: &attach_quota::Limit) -> String {
    format!(
        "{}: {} {} for each {:?}, at most {} at once",
        limit.id(),
        limit.rate(),
        limit.unit().as_str(),
        limit.scope(),
        limit.capacity()
    )
}

fn redact(config: &Config) -> String {
    if !config.redact.enabled {
        return "off".into();
    }
    let key = if config.redact.key.is_some() { "configured" } else { "random per start" };
    format!("{}, placeholder key {key}", config.redact.default_action.as_deref().unwrap_or("replace"))
}
