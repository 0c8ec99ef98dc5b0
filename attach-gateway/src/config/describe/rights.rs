//! Who loses rights how, keys, and who administers.

use std::fmt::Write as _;

use crate::config::{Admin, Config};

pub(super) fn describe(out: &mut String, config: &Config) {
    let shared = if config.redis.is_some() { "shared by Redis" } else { "on this node" };
    let _ = writeln!(out, "state: {shared}");
    revocation(out, config);
    if let Some(keys) = &config.keys {
        let _ = writeln!(
            out,
            "keys: at most {:?}, {:?} without their owner, {} each; idle services end after {:?}",
            keys.max_lifetime, keys.max_unconfirmed, keys.per_owner, keys.max_idle
        );
    }
    match &config.admin {
        None => drop(writeln!(out, "admin: off")),
        Some(admin) => describe_admin(out, admin),
    }
}

fn describe_admin(out: &mut String, admin: &Admin) {
    let _ = write!(out, "admin: at {}, {}", admin.listen, admin.channel);
    if let Some(audience) = &admin.audience {
        let _ = write!(out, ", audience {audience}");
    }
    for (role, group) in &admin.roles {
        let _ = write!(out, ", {} = {group}", role.as_str());
    }
    for (role, name) in &admin.local.certificates {
        let _ = write!(out, ", {} = certificate {name}", role.as_str());
    }
    for (role, uid) in &admin.local.users {
        let _ = write!(out, ", {} = uid {uid}", role.as_str());
    }
    out.push('\n');
}

fn revocation(out: &mut String, config: &Config) {
    let revocation = &config.revocation;
    let _ = writeln!(
        out,
        "revocation: facts are relied on {:?} without their store; streams end {:?} after their token",
        revocation.stale, revocation.max_stream_past_exp
    );
    for scim in &revocation.scim {
        let grants = if scim.may_grant { "grants by its groups" } else { "grants nothing" };
        let _ = writeln!(
            out,
            "revocation.scim: directory {}, {} secrets, {grants}",
            scim.directory,
            scim.secrets.len()
        );
    }
    if let Some(clients) = &revocation.backchannel_logout {
        let clients = if clients.is_empty() { "any".to_owned() } else { clients.join(", ") };
        let _ = writeln!(out, "revocation.backchannel_logout: clients {clients}");
    }
    for one in &revocation.universal_logout {
        let _ = writeln!(
            out,
            "revocation.universal_logout: {} as {}, directory {}",
            one.issuer,
            one.client_id.as_deref().unwrap_or("any client"),
            one.directory
        );
    }
    for one in &revocation.security_events {
        let _ = writeln!(
            out,
            "revocation.security_events: {} for {}, directory {}",
            one.issuer, one.audience, one.directory
        );
    }
}
