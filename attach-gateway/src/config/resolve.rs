//! From the file as written to the configuration it means.

use std::sync::Arc;
use std::time::Duration;

use attach_auth::policy::Rules;
use attach_redact::RedactLayer;

use super::audit;
use super::file::{EntitySetting, File};
use super::keys::nearest;
use super::{
    Config, ConfigError, Redact, RedactPattern, Revocation, Server, Source, Unsupported, Upstream, access,
    admin, alerts, engine, file, front_end, host, issuer, minting, quota, revocation, server, shared,
    telemetry,
};

/// What a check digit that holds scores at least, without a word that names the number.
const CHECK_DIGIT: f32 = 0.3;

type Env<'a> = &'a dyn Fn(&str) -> Option<String>;

pub(super) fn resolve(file: File, env: Env<'_>) -> Result<Config, ConfigError> {
    complete(&file)?;
    let issuers = file.issuer.iter().map(|one| issuer::resolve(one, env)).collect::<Result<Vec<_>, _>>()?;
    let front_ends = front_end::resolve(&file.front_end, &issuers, &file.issuer, env)?;
    let upstreams = upstreams(file.upstream, Unsupported::resolve(&file.translation)?, env)?;
    let redact = redact(file.redact, &upstreams, env)?;
    let models = file.model.iter().map(|from| from.resolve(&upstreams)).collect::<Result<Vec<_>, _>>()?;
    let directories = directories(&issuers);
    let written = &file.model;
    let context =
        quota::Context { directories: &directories, upstreams: &upstreams, models: &models, written };
    let (limits, quota) = quota::resolve(&file.quota, &file.price, context)?;
    let access = access::resolve(&file.access.unwrap_or_default(), directories)?;
    let shared = shared::resolve(&file.state, env)?;
    let revocation = revocation::resolve(file.revocation, &issuers, env)?;
    let listen = file.server.telemetry_listen.as_deref();
    let telemetry = telemetry::resolve(&file.telemetry, listen, env)?;
    let server = server::resolve(file.server)?;
    addressable(&server, &revocation)?;
    let hosts = host::resolve(file.host, &self::directories(&issuers), &server)?;
    let admin = file.admin.map(|admin| admin::resolve(admin, &issuers, &server.listen)).transpose()?;
    let audit = audit::resolve(&file.audit, env)?;
    if audit.index && admin.is_none() {
        return Err(ConfigError::new("audit.index: it is for the admin listener, and there is no [admin]"));
    }
    audit::content::known(&audit.content, &upstreams)?;
    Ok(Config {
        server,
        state_dir: file.state.dir,
        redis: shared.state,
        counts: shared.counts,
        hosts,
        issuers,
        front_ends,
        upstreams,
        models,
        rules: Arc::new(access.rules),
        access_summary: access.summary,
        decision_header: access.header,
        limits,
        quota,
        redact,
        audit,
        revocation,
        keys: file.keys.as_ref().map(minting::resolve).transpose()?.flatten(),
        admin,
        alerts: file.alerts.as_ref().map(|alerts| alerts::resolve(alerts, env)).transpose()?,
        telemetry,
        source: Source::Embedded,
        written: toml::Table::new(),
    })
}

fn complete(file: &File) -> Result<(), ConfigError> {
    if file.issuer.is_empty() {
        return Err(ConfigError::new("no [[issuer]]: without an identity provider nobody can call"));
    }
    if file.upstream.is_empty() {
        return Err(ConfigError::new("no [[upstream]]: there is nothing to call"));
    }
    Ok(())
}

fn addressable(server: &Server, revocation: &Revocation) -> Result<(), ConfigError> {
    if server.external_url.is_none() && !revocation.universal_logout.is_empty() {
        return Err(ConfigError::new(
            "revocation.universal_logout: set server.external_url: requests are addressed to this gateway's own URL, and \
             are refused otherwise",
        ));
    }
    Ok(())
}

/// Environment alone: every authenticated caller may use every model.
pub(super) fn everybody(config: &mut Config) {
    config.rules = Arc::new(Rules::allow_by_default());
    config.access_summary = vec!["every authenticated caller may use every model (environment alone)".into()];
}

fn upstreams(
    from: Vec<file::Upstream>,
    unsupported: Unsupported,
    env: Env<'_>,
) -> Result<Vec<Arc<Upstream>>, ConfigError> {
    let mut upstreams: Vec<Arc<Upstream>> = Vec::with_capacity(from.len());
    for one in from {
        let one = Upstream { unsupported, ..Upstream::resolve(one, env)? };
        if upstreams.iter().any(|other| other.name == one.name) {
            return Err(ConfigError::new(format!("upstream {:?} is there twice", one.name)));
        }
        upstreams.push(Arc::new(one));
    }
    Ok(upstreams)
}

pub(super) fn directories(issuers: &[attach_auth::IssuerConfig]) -> Vec<Arc<str>> {
    issuers.iter().map(attach_auth::IssuerConfig::directory_name).collect()
}

/// Whoever waits for a minute has left.
const LONGEST_BUDGET: Duration = Duration::from_secs(60);

/// Actions toward single upstreams, by the names that these have.
fn toward(
    from: Vec<file::Toward>,
    upstreams: &[Arc<Upstream>],
) -> Result<Vec<(String, String, String)>, ConfigError> {
    let mut toward = Vec::new();
    for one in from {
        for name in &one.upstreams {
            if !upstreams.iter().any(|upstream| *upstream.name == **name) {
                let nearest = nearest(name, upstreams.iter().map(|upstream| &*upstream.name));
                return Err(ConfigError::new(format!(
                    "redact.for: there is no upstream {name:?}; did you mean {:?}?",
                    nearest.unwrap_or_default()
                )));
            }
            let entities = one.entities.iter();
            toward.extend(entities.map(|(entity, action)| (name.clone(), entity.clone(), action.clone())));
        }
    }
    Ok(toward)
}

/// What a finding has to score: `context = false` accepts a check digit without a word that names it.
fn alone(name: &str, threshold: Option<f32>, context: Option<bool>) -> Result<Option<f32>, ConfigError> {
    match (threshold, context) {
        (Some(_), Some(false)) => Err(ConfigError::new(format!(
            "redact.entities.{name}: context = false is threshold = {CHECK_DIGIT}; write one of them"
        ))),
        (None, Some(false)) => Ok(Some(CHECK_DIGIT)),
        (threshold, _) => Ok(threshold),
    }
}

fn redact(from: file::Redact, upstreams: &[Arc<Upstream>], env: Env<'_>) -> Result<Redact, ConfigError> {
    let (mut entities, mut thresholds, mut words) = (Vec::new(), Vec::new(), Vec::new());
    for (name, setting) in from.entities {
        let (action, lexicon, threshold, named) = match setting {
            EntitySetting::Action(action) => (Some(action), None, None, None),
            EntitySetting::Detailed { action, lexicon, threshold, words, context } => {
                (action, lexicon, alone(&name, threshold, context)?, words)
            }
        };
        words.extend(named.map(|words| (name.clone(), words)));
        thresholds.extend(threshold.map(|score| (name.clone(), score)));
        entities.push((name, action, lexicon));
    }
    let terms = from.terms.into_iter().map(|terms| {
        let text = std::fs::read_to_string(&terms.file).map_err(|why| {
            ConfigError::new(format!("redact.terms: cannot read {}: {why}", terms.file.display()))
        })?;
        let terms_of = text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned);
        Ok((terms.entity, terms_of.collect()))
    });
    let budget = from.budget.map_or(RedactLayer::DEFAULT_BUDGET, |span| span.0);
    if budget.is_zero() || budget > LONGEST_BUDGET {
        return Err(ConfigError::new("redact.budget: between \"1ms\" and \"60s\""));
    }
    Ok(Redact {
        enabled: true,
        budget,
        key: from.key.as_ref().map(|key| key.read("redact.key", env)).transpose()?,
        default_action: from.default,
        entities,
        thresholds,
        words,
        exempt: from.exempt,
        exempt_patterns: from.exempt_patterns,
        private_addresses: from.private_addresses,
        toward: toward(from.toward, upstreams)?,
        regions: from.regions,
        external_tools: from.external_tools,
        inspect_signed: from.inspect_signed,
        hide_system: from.restore_system == Some(false),
        patterns: from.pattern.into_iter().map(pattern).collect(),
        terms: terms.collect::<Result<_, ConfigError>>()?,
        ner: from.ner,
        uninspectable: from.uninspectable.into_iter().collect(),
        engines: engine::resolve(from.engine, env)?,
    })
}

fn pattern(from: file::Pattern) -> RedactPattern {
    let file::Pattern { entity, regex, score, words } = from;
    RedactPattern { entity, regex, score, words }
}
