//! `[[model]]`: the names that callers use, and where each goes.

mod labels;
pub(super) mod parameters;
pub(super) mod sticky;
mod summary;

use std::collections::BTreeMap;
use std::sync::Arc;

use attach_auth::policy::ModelGlob;
use attach_core::Dialect;
use serde::Deserialize;

use self::labels::Stated;
use self::sticky::Sticky;
pub(super) use self::summary::describe;
use super::access::OneOrMany;
use super::{ConfigError, Model, Target, Upstream, price};

/// A `[[model]]` as it is written.
#[derive(Debug, Deserialize)]
pub(super) struct Entry {
    pub(super) name: String,
    #[serde(default)]
    aliases: Vec<Alias>,
    to: Vec<To>,
    sticky: Option<String>,
    tier: Option<String>,
    #[serde(default)]
    labels: Stated,
    #[serde(default)]
    parameters: parameters::Entry,
    pub(super) price: Option<price::Tokens>,
}

/// One more name, for everybody or for the clients of one dialect.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Alias {
    Every(String),
    Dialects(BTreeMap<String, OneOrMany<String>>),
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum To {
    Upstream(String),
    Detailed(Box<Detailed>),
}

#[derive(Debug, Deserialize)]
struct Detailed {
    upstream: String,
    model: Option<String>,
    weight: Option<u32>,
    tier: Option<String>,
    #[serde(default)]
    labels: Stated,
    #[serde(default)]
    parameters: parameters::Entry,
}

/// So much weight one target may have: sums stay exact.
const HEAVIEST: u32 = 1_000_000;

impl Entry {
    /// Every name it goes by, in whichever dialect.
    pub(super) fn all_names(&self) -> Vec<&String> {
        let aliases = self.aliases.iter().flat_map(|alias| match alias {
            Alias::Every(name) => vec![name],
            Alias::Dialects(names) => names.values().flat_map(OneOrMany::list).collect(),
        });
        std::iter::once(&self.name).chain(aliases).collect()
    }

    pub(super) fn resolve(&self, upstreams: &[Arc<Upstream>]) -> Result<Model, ConfigError> {
        let at = format!("model {:?}", self.name);
        let wrong = |why: String| ConfigError::new(format!("{at}: {why}"));
        let glob = |name: &str| name.parse::<ModelGlob>().map_err(|why| wrong(why.to_string()));
        let (mut names, mut dialect_names) = (vec![glob(&self.name)?], Vec::new());
        for alias in &self.aliases {
            match alias {
                Alias::Every(name) => names.push(glob(name)?),
                Alias::Dialects(aliases) => {
                    for (dialect, aliases) in aliases {
                        let dialect = dialect_named(dialect).map_err(wrong)?;
                        for name in aliases.list() {
                            dialect_names.push((dialect, glob(name)?));
                        }
                    }
                }
            }
        }
        let (mut targets, mut labels): (Vec<Target>, Vec<_>) = (Vec::new(), Vec::new());
        for to in &self.to {
            let target = self.target(to, upstreams)?;
            if targets.iter().any(|one| one.upstream == target.upstream && one.model == target.model) {
                return Err(wrong(format!("`to` names {:?} twice for one model there", to.upstream())));
            }
            labels.push(self.labels_of(to, &upstreams[target.upstream])?);
            targets.push(target);
        }
        if targets.is_empty() {
            return Err(wrong("`to` names no upstream".into()));
        }
        let sticky = self.sticky(&targets).map_err(wrong)?;
        Ok(Model { names, dialect_names, targets, labels, sticky })
    }

    fn sticky(&self, targets: &[Target]) -> Result<Option<Sticky>, String> {
        let sticky = self.sticky.as_deref().map(Sticky::parse).transpose()?;
        if sticky.is_some() && !targets.iter().any(|target| target.weight > 0) {
            return Err("sticky: without a `weight` the first target gets every call".into());
        }
        Ok(sticky)
    }

    fn target(&self, to: &To, upstreams: &[Arc<Upstream>]) -> Result<Target, ConfigError> {
        let (name, wrong) =
            (to.upstream(), |why: String| ConfigError::new(format!("model {:?}: {why}", self.name)));
        let upstream = upstreams
            .iter()
            .position(|known| *known.name == *name)
            .ok_or_else(|| wrong(format!("there is no [[upstream]] named {name:?}")))?;
        let own = to.detailed();
        let weight = own.and_then(|own| own.weight).unwrap_or(0);
        if weight > HEAVIEST {
            return Err(wrong(format!("weight: at most {HEAVIEST}")));
        }
        let model = own.and_then(|own| own.model.as_deref()).map(Arc::from);
        let own = own.map(|own| &own.parameters);
        let parameters = parameters::resolve(&self.parameters, own).map_err(wrong)?;
        Ok(Target { upstream, model, weight, parameters: parameters.map(Arc::new) })
    }

    fn labels_of(
        &self,
        to: &To,
        upstream: &Upstream,
    ) -> Result<Arc<attach_core::destination::Labels>, ConfigError> {
        let own = to.detailed();
        let tier = own.and_then(|own| own.tier.as_deref()).or(self.tier.as_deref());
        let stated = [Some(&self.labels), own.map(|own| &own.labels)];
        labels::resolve(&upstream.labels, stated.into_iter().flatten(), tier).map_err(|why| {
            ConfigError::new(format!("model {:?}: target {:?}: labels.{why}", self.name, upstream.name))
        })
    }
}

impl To {
    fn upstream(&self) -> &str {
        match self {
            Self::Upstream(name) => name,
            Self::Detailed(own) => &own.upstream,
        }
    }

    fn detailed(&self) -> Option<&Detailed> {
        match self {
            Self::Upstream(_) => None,
            Self::Detailed(own) => Some(own),
        }
    }
}

fn dialect_named(name: &str) -> Result<Dialect, String> {
    match name {
        "openai" => Ok(Dialect::OpenAi),
        "anthropic" => Ok(Dialect::Anthropic),
        "ollama" => Ok(Dialect::Ollama),
        _ => Err(format!("aliases: {name:?} is not one of openai, anthropic, ollama")),
    }
}

#[cfg(test)]
mod tests;
