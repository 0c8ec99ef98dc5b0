//! `[[quota.override]]`: exceptions from a limit, for a person or a group.

use std::fmt;

use attach_quota::overrides::{Override, Whom};
use attach_quota::{Amount, Grant, Limit, Scope};
use toml::Value;

use super::amount::{Given, described};
use super::{Context, Quota, shape};
use crate::config::ConfigError;
use crate::config::decimal::shown;
use crate::config::moment::{moment, written};

/// What an override says instead of an amount.
const UNLIMITED: &str = "unlimited";

/// The override `number` of `quota`, which is `limit`.
pub(super) fn resolve(
    quota: &Quota,
    limit: &Limit,
    from: &shape::Override,
    number: usize,
    context: Context<'_>,
) -> Result<Override, ConfigError> {
    let at = |key: &str, why: &dyn fmt::Display| quota.wrong(&format!("override {}: {key}", number + 1), why);
    let named = |name: &Option<String>| name.clone().filter(|name| !name.trim().is_empty());
    let (directory, whom) = match (named(&from.user), named(&from.group)) {
        (Some(user), None) => {
            let directory = directory(from.directory.as_deref(), context);
            (directory.map_err(|why| at("directory", &why))?, Whom::User(user.into()))
        }
        (None, Some(group)) => {
            let group = match &from.directory {
                Some(directory) => format!("{directory}/{group}"),
                None => group,
            };
            let known = from.directory.as_deref().map(|name| directory(Some(name), context)).transpose();
            known.map_err(|why| at("directory", &why))?;
            let group = attach_auth::policy::group_named(&group, context.directories);
            let group = group.map_err(|why| at("group", &why))?;
            (group.directory, Whom::Group(group.name.into()))
        }
        _ => return Err(at("user", &"an exception is for one user or for one group; write either")),
    };
    let grant = grant(limit, from.amount.as_ref()).map_err(|why| at("amount", &why))?;
    let id = format!("{}/{}", quota.id, number + 1);
    let one = Override::new(id, directory, whom, limit.id(), grant);
    match &from.until {
        None => Ok(one),
        Some(value) => Ok(one.until(moment(value).map_err(|why| at("until", &why))?)),
    }
}

/// A sentence about it.
pub(super) fn summary(limit: &Limit, one: &Override) -> String {
    let whom = match &one.whom {
        Whom::User(id) => format!("user {id}"),
        Whom::Group(name) => format!("members of {name}"),
        _ => "somebody".to_owned(),
    };
    let grant = match one.grant {
        Grant::Amount(amount) => described(limit.unit(), &limit.window().with_amount(amount)),
        _ => UNLIMITED.to_owned(),
    };
    let until = one.until.map(|time| format!(" until {}", written(time))).unwrap_or_default();
    format!("quota {}: {whom} of {}: {grant}{until}", limit.id(), one.directory)
}

fn grant(limit: &Limit, value: Option<&Value>) -> Result<Grant, String> {
    let Some(value) = value else {
        return Err(format!("say what they get: an amount such as the limit's own, or {UNLIMITED:?}"));
    };
    if value.as_str() == Some(UNLIMITED) {
        return Ok(Grant::Unlimited);
    }
    let pooled = matches!(limit.scope(), Scope::Group | Scope::Claim(_) | Scope::Directory | Scope::Everyone);
    if pooled {
        return Err(format!(
            "many share a bucket of this limit, which cannot hold another amount for some of them; write {UNLIMITED:?} to \
             exempt them, or a limit of their own"
        ));
    }
    let window = Given::read(limit.unit(), value)?.window();
    match (window.period_name(), limit.window().period_name()) {
        (given, own) if given == own => Ok(Grant::Amount(window.amount())),
        (_, own) => Err(format!(
            "{} has another period than the limit: write it per {}",
            shown(value),
            own.unwrap_or_default()
        )),
    }
}

/// A directory that some issuer vouches for; the only one unless named.
fn directory(named: Option<&str>, context: Context<'_>) -> Result<std::sync::Arc<str>, String> {
    let known = context.directories;
    let found = match named {
        Some(named) => known.iter().find(|known| ***known == *named),
        None => known.first().filter(|first| known.iter().all(|other| other == *first)),
    };
    let all: Vec<&str> = known.iter().map(|known| &**known).collect();
    found.cloned().ok_or_else(|| match named {
        Some(named) => format!("no [[issuer]] has the directory {named:?}; there are {}", all.join(", ")),
        None => format!("which one of {}?", all.join(", ")),
    })
}
