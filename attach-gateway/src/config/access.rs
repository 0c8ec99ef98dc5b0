//! `[access]`: who may do what.

use std::fmt;
use std::sync::Arc;

use attach_auth::policy::{LabelRule, Network, Require, Rule, Rules};
use attach_core::Api;
use attach_core::identity::{Kind, Proof};

use self::shape::{AccessRule, Conditions, Demands, Devices, Labels, Scalar};
use super::ConfigError;

mod shape;
mod summary;

pub(super) use self::shape::{Access, OneOrMany};

/// What `[access]` means.
#[derive(Debug)]
pub(super) struct Resolved {
    pub(super) rules: Rules,
    pub(super) summary: Vec<String>,
    pub(super) header: bool,
}

pub(super) fn resolve(from: &Access, directories: Vec<Arc<str>>) -> Result<Resolved, ConfigError> {
    let wrong = |why: attach_auth::ConfigError| ConfigError::new(format!("access: {why}"));
    let (rules, default) = match from.default.as_deref() {
        None | Some("deny") => (Rules::deny_by_default(), "everything not allowed below is denied"),
        Some("allow") => (Rules::allow_by_default(), "everything not denied below is allowed"),
        Some(other) => {
            return Err(ConfigError::new(format!(
                "access.default: {other:?} is neither \"deny\" nor \"allow\""
            )));
        }
    };
    let mut rules = rules.shadow(from.shadow).directories(directories).map_err(wrong)?;
    let mut summary = vec![default.to_owned()];
    if from.shadow {
        summary.push("SHADOW: nothing below is enforced, only recorded".to_owned());
    }
    if from.header {
        summary.push("every answer names the decision in X-Attach-Policy".to_owned());
    }
    for one in &from.allow {
        summary.push(format!("allow {}", one.summary()));
        rules = rules.allow(rule("allow", one)?).map_err(wrong)?;
    }
    for one in &from.deny {
        summary.push(format!("deny {}", one.summary()));
        rules = rules.deny(denial(one)?).map_err(wrong)?;
    }
    Ok(Resolved { rules, summary, header: from.header })
}

fn denial(from: &AccessRule) -> Result<Rule, ConfigError> {
    let key = if from.require.is_some() {
        "require"
    } else if from.allow_keys {
        "allow_keys"
    } else {
        return rule("deny", from);
    };
    Err(ConfigError::new(format!(
        "access.deny {:?}: {key}: only a rule that allows can demand something; write a condition (labels, claims, \
         proof …) instead",
        from.id
    )))
}

fn rule(list: &str, from: &AccessRule) -> Result<Rule, ConfigError> {
    let at = |key: &str, why: &dyn fmt::Display| {
        ConfigError::new(format!("access.{list} {:?}: {key}: {why}", from.id))
    };
    let given = &from.conditions;
    let calls = !given.models.is_empty() || !given.apis.is_empty() || !given.tools.is_empty();
    if !given.verbs.is_empty() && (calls || !given.labels().is_none()) {
        return Err(at(
            "verbs",
            &"a rule about verbs is about no call; give models, apis, tools and labels another",
        ));
    }
    let mut rule = Rule::new(from.id.as_str())
        .groups(given.groups.iter().map(String::as_str))
        .models(all(&given.models).map_err(|why: attach_core::call::ModelGlobError| at("models", &why))?)
        .apis(named(&given.apis, api).map_err(|why| at("apis", &why))?)
        .tools(given.tools.iter().map(String::as_str))
        .scopes(given.scopes.iter().map(String::as_str))
        .client_ids(given.client_ids.iter().map(String::as_str))
        .networks(all::<Network>(&given.networks).map_err(|why| at("networks", &why))?)
        .proofs(named(given.proof.list(), proof).map_err(|why| at("proof", &why))?)
        .verbs(given.verbs.iter().map(String::as_str))
        .labels(given.labels().rule())
        .allow_keys(from.allow_keys)
        .shadow(from.shadow);
    if let Some(name) = &given.kind {
        rule = rule.kind(kind(name).map_err(|why| at("kind", &why))?);
    }
    for (path, values) in &given.claims {
        rule = rule.claim(path, texts(values)).map_err(|why| at("claims", &why))?;
    }
    if let Some(devices) = &given.devices {
        rule = devices.condition(rule).map_err(|why| at("devices", &why))?;
    }
    Ok(match &from.require {
        Some(demands) => rule.require(demands.require()),
        None => rule,
    })
}

impl Conditions {
    /// `tiers` is the short form of a label.
    fn labels(&self) -> Labels {
        let mut labels = self.labels.clone();
        if !self.tiers.is_empty() {
            let both = labels.tier.list().iter().chain(&self.tiers);
            labels.tier = OneOrMany::Many(both.cloned().collect());
        }
        labels
    }
}

impl Labels {
    fn is_none(&self) -> bool {
        let flags = [self.trusted, self.zero_retention, self.trains_on_data];
        let lists = [&self.region, &self.tier, &self.upstream];
        flags.iter().all(Option::is_none) && lists.iter().all(|list| list.list().is_empty())
    }

    fn rule(&self) -> LabelRule {
        let mut rule = LabelRule::new()
            .regions(self.region.list().iter().map(String::as_str))
            .tiers(self.tier.list().iter().map(String::as_str))
            .upstreams(self.upstream.list().iter().map(String::as_str));
        if let Some(trusted) = self.trusted {
            rule = rule.trusted(trusted);
        }
        if let Some(zero_retention) = self.zero_retention {
            rule = rule.zero_retention(zero_retention);
        }
        if let Some(trains) = self.trains_on_data {
            rule = rule.trains_on_data(trains);
        }
        rule
    }
}

impl Demands {
    fn require(&self) -> Require {
        let require = Require::new()
            .acr(self.acr.list().iter().map(String::as_str))
            .amr(self.amr.list().iter().map(String::as_str))
            .labels(self.labels.rule());
        match self.auth_age {
            Some(age) => require.auth_age(age.0),
            None => require,
        }
    }
}

impl Devices {
    fn condition(&self, rule: Rule) -> Result<Rule, String> {
        match (self.values.list(), self.exists) {
            ([], exists) => rule.claim_present(&self.claim, exists.unwrap_or(true)),
            (_, None | Some(true)) => rule.claim(&self.claim, texts(&self.values)),
            _ => return Err("exists = false and values exclude each other".to_owned()),
        }
        .map_err(|why| why.to_string())
    }
}

/// Each text as what it stands for.
fn all<T: std::str::FromStr>(texts: &[String]) -> Result<Vec<T>, T::Err> {
    texts.iter().map(|text| text.parse()).collect()
}

fn named<T>(names: &[String], of: impl Fn(&str) -> Result<T, String>) -> Result<Vec<T>, String> {
    names.iter().map(|name| of(name)).collect()
}

/// The operation called `name` in rules.
pub(crate) fn api(name: &str) -> Result<Api, String> {
    let api = Api::ALL.into_iter().find(|api| api.as_str() == name);
    api.ok_or_else(|| format!("{name:?} is not an API such as openai.chat"))
}

/// What a caller showed, by its name in rules.
pub(crate) fn proof(name: &str) -> Result<Proof, String> {
    let proof = [Proof::Token, Proof::Key, Proof::Delegated].into_iter().find(|proof| proof.as_str() == name);
    proof.ok_or_else(|| format!("{name:?} is not one of token, key, delegated"))
}

/// Who somebody is, by their name in rules.
pub(super) fn kind(name: &str) -> Result<Kind, String> {
    let kind = [Kind::Person, Kind::Service].into_iter().find(|kind| kind.as_str() == name);
    kind.ok_or_else(|| format!("{name:?} is neither \"person\" nor \"service\""))
}

fn texts(values: &OneOrMany<Scalar>) -> Vec<String> {
    values.list().iter().map(ToString::to_string).collect()
}
