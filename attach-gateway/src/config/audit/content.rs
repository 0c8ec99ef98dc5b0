//! What is kept of what was asked and answered.

use std::fmt::Write;
use std::sync::Arc;

use attach_audit::content::{Contents, Keep, is_recipient};
use attach_auth::policy::ModelGlob;
use attach_core::Api;
use serde::Deserialize;

use crate::config::access::api;
use crate::config::secret::SecretRef;
use crate::config::units::Size;
use crate::config::{ConfigError, Secret, Upstream};

/// The most that is kept of each direction.
const MOST: usize = 64 << 20;

/// What is kept of what was asked and answered.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Content {
    /// Where no rule says otherwise.
    pub keep: Keep,
    /// The first that is about a call decides.
    pub rules: Vec<ContentRule>,
    /// Who can read what is sealed.
    pub auditors: Vec<String>,
    /// What digests are made under, if it is not the state directory's own key.
    pub key: Option<Secret>,
    /// Bytes kept of each direction.
    pub limit: usize,
}

/// What is kept of some calls. An empty list leaves nothing out.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ContentRule {
    /// Whose: members of one of these groups of their directory.
    pub groups: Vec<String>,
    /// For one of these models.
    pub models: Vec<ModelGlob>,
    /// That may go to one of these upstreams.
    pub upstreams: Vec<String>,
    /// By one of these operations.
    pub apis: Vec<Api>,
    /// What is kept.
    pub keep: Keep,
}

/// The keys of `[audit]` that are about content.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::config) struct Table {
    content: Option<String>,
    content_for: Vec<RuleTable>,
    content_key: Option<SecretRef>,
    content_limit: Option<Size>,
    auditors: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct RuleTable {
    #[serde(default)]
    groups: Vec<String>,
    #[serde(default)]
    models: Vec<String>,
    #[serde(default)]
    upstreams: Vec<String>,
    #[serde(default)]
    apis: Vec<String>,
    content: String,
}

pub(super) fn resolve(table: &Table, env: &dyn Fn(&str) -> Option<String>) -> Result<Content, ConfigError> {
    let keep = table.content.as_deref().map_or(Ok(Keep::None), |name| keep("audit.content", name))?;
    let rules: Vec<_> = table.content_for.iter().map(rule).collect::<Result<_, _>>()?;
    if let Some(wrong) = table.auditors.iter().find(|key| !is_recipient(key)) {
        return Err(ConfigError::new(format!(
            "audit.auditors: {wrong:?} is not a public key such as `attach-gateway audit keygen` prints, age1…"
        )));
    }
    let seals = keep == Keep::Sealed || rules.iter().any(|rule| rule.keep == Keep::Sealed);
    if seals && table.auditors.is_empty() {
        return Err(ConfigError::new(
            "audit.auditors: \"sealed\" needs the public key of whoever is to read it; `attach-gateway audit keygen` \
             makes one",
        ));
    }
    let key = table.content_key.as_ref().map(|key| key.read("audit.content_key", env)).transpose()?;
    if key.as_ref().is_some_and(|key| key.expose().len() < 32) {
        return Err(ConfigError::new("audit.content_key: at least 32 characters, chosen at random"));
    }
    let limit = table.content_limit.as_ref().map_or(Contents::LIMIT, |size| size.0);
    if limit > MOST {
        return Err(ConfigError::new(
            "audit.content_limit: 64MiB at most, which is what `audit open` reads back",
        ));
    }
    Ok(Content { keep, rules, auditors: table.auditors.clone(), key, limit })
}

/// Rules name upstreams that there are.
pub(in crate::config) fn known(content: &Content, upstreams: &[Arc<Upstream>]) -> Result<(), ConfigError> {
    let named = content.rules.iter().flat_map(|rule| &rule.upstreams);
    let unknown = named.into_iter().find(|name| !upstreams.iter().any(|upstream| *upstream.name == ***name));
    unknown.map_or(Ok(()), |name| {
        Err(ConfigError::new(format!("audit.content_for: there is no upstream {name:?}")))
    })
}

fn rule(table: &RuleTable) -> Result<ContentRule, ConfigError> {
    let wrong = |why: String| ConfigError::new(format!("audit.content_for: {why}"));
    let models =
        table.models.iter().map(|name| name.parse::<ModelGlob>().map_err(|why| wrong(why.to_string())));
    let apis = table.apis.iter().map(|name| api(name)).collect::<Result<_, _>>();
    Ok(ContentRule {
        groups: table.groups.clone(),
        models: models.collect::<Result<_, _>>()?,
        upstreams: table.upstreams.clone(),
        apis: apis.map_err(wrong)?,
        keep: keep("audit.content_for: content", &table.content)?,
    })
}

fn keep(key: &str, name: &str) -> Result<Keep, ConfigError> {
    Keep::parse(name)
        .ok_or_else(|| ConfigError::new(format!("{key}: {name:?} is not one of none, redacted, sealed")))
}

pub(super) fn describe(out: &mut String, content: &Content) {
    for rule in &content.rules {
        let _ = write!(out, "audit.content_for: \"{}\"", rule.keep.as_str());
        let models: Vec<_> = rule.models.iter().map(ToString::to_string).collect();
        let apis: Vec<_> = rule.apis.iter().map(|api| api.as_str().to_owned()).collect();
        for (name, list) in
            [("groups", &rule.groups), ("models", &models), ("upstreams", &rule.upstreams), ("apis", &apis)]
        {
            if !list.is_empty() {
                let _ = write!(out, "; {name} {}", list.join(", "));
            }
        }
        out.push('\n');
    }
    for auditor in &content.auditors {
        let _ = writeln!(out, "audit.auditors: {auditor} reads what is sealed");
    }
    if content.keep != Keep::None || !content.rules.is_empty() {
        let _ = writeln!(out, "audit.content_limit = \"{}B\" each way", content.limit);
    }
}
