use std::sync::Arc;

use attach_core::Identity;
use attach_core::identity::Group;

use crate::ConfigError;

/// A group that a rule names, and whose it is; `None` stands for the caller's own directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct GroupRef {
    pub(super) directory: Option<Arc<str>>,
    pub(super) name: Box<str>,
}

/// The group that a setting names as the rules do: `directory/name`, or a bare `name` where all `directories` are one.
///
/// # Errors
///
/// When it has no name, or could be of several directories or of none.
pub fn group_named(text: &str, directories: &[Arc<str>]) -> Result<Group, ConfigError> {
    let mut distinct = directories.to_vec();
    distinct.sort();
    distinct.dedup();
    let group = GroupRef::resolve(text, &distinct)?;
    let unknown = || ConfigError::new(format!("group `{text}` is of no directory"));
    Ok(Group { directory: group.directory.ok_or_else(unknown)?, name: group.name })
}

impl GroupRef {
    /// Reads `directory/name`, or a bare `name` where there are not two directories it could belong to.
    pub(super) fn resolve(text: &str, directories: &[Arc<str>]) -> Result<Self, ConfigError> {
        if text.is_empty() {
            return Err(ConfigError::new("a group without a name"));
        }
        let owner = directories
            .iter()
            .filter(|directory| inside(text, directory).is_some())
            .max_by_key(|directory| directory.len());
        if let Some(directory) = owner {
            let name = inside(text, directory).unwrap_or_default();
            return Ok(Self { directory: Some(Arc::clone(directory)), name: name.into() });
        }
        match directories {
            [] => Ok(Self { directory: None, name: text.into() }),
            [only] => Ok(Self { directory: Some(Arc::clone(only)), name: text.into() }),
            several => Err(ConfigError::new(format!(
                "group `{text}` has to name its directory, as in `{}/{text}`: there are {}",
                several.first().map_or("", |first| first),
                several.join(", "),
            ))),
        }
    }

    pub(super) fn has(&self, identity: &Identity) -> bool {
        match &self.directory {
            // A caller of one directory is in no group of another, whatever a token says.
            Some(directory) => *directory == identity.directory && identity.is_member(&self.name),
            None => identity.is_member(&self.name),
        }
    }

    /// Whether the caller is in the group, whatever right what was shown gives by it.
    pub(super) fn holds(&self, identity: &Identity) -> bool {
        let withheld = identity.withheld.as_deref();
        self.has(identity) || withheld.is_some_and(|groups| groups.iter().any(|group| self.is(group)))
    }

    pub(super) fn is(&self, group: &Group) -> bool {
        self.directory.as_ref().is_none_or(|directory| *directory == group.directory)
            && self.name == group.name
    }
}

/// What follows `directory/`, if anything does.
fn inside<'a>(text: &'a str, directory: &str) -> Option<&'a str> {
    text.strip_prefix(directory)?.strip_prefix('/').filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolve(text: &str, directories: &[&str]) -> Option<(Option<String>, String)> {
        let directories: Vec<Arc<str>> = directories.iter().map(|&d| d.into()).collect();
        let group = GroupRef::resolve(text, &directories).ok()?;
        Some((group.directory.as_deref().map(Into::into), group.name.into()))
    }

    #[test]
    fn with_two_directories_every_group_names_its_own() {
        let two = ["acme", "partner"];
        assert_eq!(resolve("acme/eng", &two), Some((Some("acme".into()), "eng".into())));
        assert_eq!(resolve("eng", &two), None);
        assert_eq!(resolve("other/eng", &two), None);
        assert_eq!(resolve("acme/", &two), None);
    }

    #[test]
    fn a_setting_names_a_group_as_a_rule_does() {
        let named = |text: &str, all: &[&str]| {
            let all: Vec<Arc<str>> = all.iter().map(|&name| name.into()).collect();
            group_named(text, &all).ok()
        };
        // Two issuers of one directory are one directory.
        assert_eq!(named("eng", &["acme", "acme"]), Some(Group::new("acme", "eng")));
        assert_eq!(named("partner/eng", &["acme", "partner"]), Some(Group::new("partner", "eng")));
        assert_eq!(named("eng", &["acme", "partner"]), None);
        assert_eq!(named("eng", &[]), None);
    }

    #[test]
    fn with_one_directory_a_slash_may_be_part_of_the_name() {
        assert_eq!(resolve("/eng/backend", &["acme"]), Some((Some("acme".into()), "/eng/backend".into())));
        assert_eq!(resolve("acme/eng", &["acme"]), Some((Some("acme".into()), "eng".into())));
    }
}
