use super::{NewService, Owners};
use crate::keys::KeyError;
use crate::keys::mint::{checked_entries, checked_limits, checked_name};
use crate::keys::rows::{Grant, ServiceRow};

/// What is stored of `new`, if it makes sense.
pub(super) fn checked(actor: &str, new: NewService, now: u64, expires: u64) -> Result<ServiceRow, KeyError> {
    checked_name(&new.directory, 256)?;
    let well_formed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._-".contains(&byte);
    let first = new.name.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric());
    if !first || new.name.len() > 63 || !new.name.bytes().all(well_formed) {
        let rule = "a service's name is 1 to 63 of a-z, 0-9, `.`, `_` and `-`, the first a letter or digit";
        return Err(KeyError::invalid(rule));
    }
    checked_limits(&new.limits)?;
    checked_entries("groups", &new.groups)?;
    checked_entries("scopes", &new.scopes)?;
    let grant = Grant {
        groups: Some(new.groups),
        scopes: new.scopes,
        models: new.limits.models,
        apis: new.limits.apis,
        ..Grant::default()
    };
    let mut service = ServiceRow {
        directory: new.directory,
        name: new.name.into(),
        purpose: checked_name(&new.purpose, 500)?,
        group: None,
        people: Vec::new(),
        created: now,
        created_by: actor.into(),
        expires,
        since: now,
        disabled: None,
        grant,
    };
    set_owners(&mut service, new.owners)?;
    Ok(service)
}

/// An owning group, or two people at least: one may leave.
fn set_owners(service: &mut ServiceRow, owners: Owners) -> Result<(), KeyError> {
    match owners {
        Owners::Group(group) => service.group = Some(checked_name(&group, 256)?),
        Owners::People(mut people) => {
            people.sort();
            people.dedup();
            let ids: Vec<Box<str>> = people.iter().map(|id| Box::from(&**id)).collect();
            checked_entries("owners", &ids)?;
            if people.len() < 2 {
                return Err(KeyError::invalid("a service has an owning group, or two owners at least"));
            }
            service.people = people;
        }
    }
    Ok(())
}
