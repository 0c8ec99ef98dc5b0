//! What is kept of what was asked and answered, as the configuration says.

use std::io;
use std::path::Path;

use attach_audit::content::{Contents, Keep, Key, PeopleKeys};
use attach_core::{Destination, Exchange};
use http::Extensions;
use sha2::{Digest, Sha256};

use crate::config::{Config, Content, ContentRule};
use crate::state::StateDir;

/// Below the log's folder: people's keys.
const PEOPLE: &str = "people";

pub(super) fn contents(config: &Config, state: &StateDir, folder: &Path) -> io::Result<Contents> {
    let content = config.audit.content.clone();
    let secret = match &content.key {
        Some(key) => Sha256::digest(key.expose()).into(),
        None => state.key("content.key")?,
    };
    let key = Key::new(&secret);
    let people = PeopleKeys::open(&folder.join(PEOPLE), key.clone())?;
    let people = people.auditors(content.auditors.iter().map(String::as_str))?;
    let contents = Contents::new(key).limit(content.limit).people(people);
    Ok(contents.keep(move |exchange, extensions| chosen(&content, exchange, extensions)))
}

/// The first rule that is about the call decides.
fn chosen(content: &Content, exchange: &Exchange, extensions: &Extensions) -> Keep {
    let destination = extensions.get::<Destination>();
    let rule = content.rules.iter().find(|rule| is_about(rule, exchange, destination));
    rule.map_or(content.keep, |rule| rule.keep)
}

fn is_about(rule: &ContentRule, exchange: &Exchange, destination: Option<&Destination>) -> bool {
    let member =
        || exchange.identity().is_some_and(|who| rule.groups.iter().any(|group| who.is_member(group)));
    let model = || exchange.facts(|facts| facts.model.clone());
    let goes = |name: &String| {
        let candidates = destination.map_or(&[][..], Destination::candidates);
        candidates.iter().any(|candidate| *candidate.upstream == **name)
    };
    (rule.groups.is_empty() || member())
        && (rule.models.is_empty()
            || model().is_some_and(|model| rule.models.iter().any(|glob| glob.covers(&model))))
        && (rule.upstreams.is_empty() || rule.upstreams.iter().any(goes))
        && (rule.apis.is_empty() || exchange.api().is_some_and(|api| rule.apis.contains(&api)))
}
