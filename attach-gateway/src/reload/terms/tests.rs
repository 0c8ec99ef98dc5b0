use super::way::Way;
use super::*;
use crate::config::all_keys;
use crate::reload::{restart, slips};

fn read(text: &str) -> Table {
    text.parse().unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// A setting that is stricter, and one that is looser; `""` for none.
fn strict_and_loose(way: Way) -> [String; 2] {
    let [strict, loose] = match way {
        Way::Choice | Way::Grant => ["[\"a\"]", "[\"a\", \"b\"]"],
        Way::Aim | Way::Demand => ["[\"a\", \"b\"]", "[\"a\"]"],
        Way::More => ["\"9m\"", "\"1h\""],
        Way::On => ["false", "true"],
        Way::Off => ["true", "false"],
        Way::Steps(steps) => return [format!("{:?}", steps[0]), format!("{:?}", steps[steps.len() - 1])],
        Way::Other => ["\"a\"", "\"b\""],
    };
    [strict.to_owned(), loose.to_owned()]
}

fn set(key: &str, value: &str) -> String {
    if value.is_empty() { String::new() } else { format!("{key} = {value}\n") }
}

#[test]
fn each_term_is_told_when_it_is_looser_and_not_when_it_is_stricter() {
    for (list, name, terms) in OF_ENTRIES {
        for (key, way) in *terms {
            let [strict, loose] = strict_and_loose(*way)
                .map(|value| read(&format!("[[{list}]]\n{name} = \"n\"\n{}", set(key, &value))));
            let told = found(&strict, &loose);
            assert!(told.len() == 1 && told[0].starts_with(&format!("{list} \"n\": {key} is ")), "{told:?}");
            let back = found(&loose, &strict);
            assert_eq!(!back.is_empty(), matches!(way, Way::Other), "{list}.{key}: {back:?}");
            assert!(found(&loose, &loose).is_empty());
        }
    }
    for (section, terms) in OF_SECTIONS {
        for (key, way) in *terms {
            let path = if section.is_empty() { (*key).to_owned() } else { format!("{section}.{key}") };
            let [strict, loose] = strict_and_loose(*way).map(|value| read(&set(&path, &value)));
            let told = found(&strict, &loose);
            assert!(told.len() == 1 && told[0].starts_with(&format!("{path} is ")), "{told:?}");
            assert_eq!(!found(&loose, &strict).is_empty(), matches!(way, Way::Other), "{path}");
        }
    }
}

#[test]
fn what_says_nothing_is_read_as_it_is_meant() {
    let rule = |list: &str, more: &str| read(&format!("[[access.{list}]]\nid = \"r\"\n{more}"));
    let groups = "groups = [\"g\"]";
    assert_eq!(found(&rule("allow", groups), &rule("allow", "")), ["access.allow \"r\": groups is looser"]);
    assert!(found(&rule("allow", ""), &rule("allow", groups)).is_empty());
    assert_eq!(found(&rule("deny", ""), &rule("deny", groups)), ["access.deny \"r\": groups is looser"]);
    assert!(found(&rule("deny", groups), &rule("deny", "")).is_empty());
    let quota = |amount: &str| read(&format!("[[quota]]\nid = \"q\"\n{amount}"));
    let told = found(&quota("tokens = \"9/min\""), &quota("tokens = \"9/h\""));
    assert_eq!(told, ["quota \"q\": tokens is another"], "units that cannot be compared");
    assert_eq!(found(&quota("concurrent = 2"), &quota("")), ["quota \"q\": concurrent is another"]);
    let scim = read("[revocation]\nscim = { directory = \"d\" }");
    let grants = read("[[revocation.scim]]\ndirectory = \"d\"\nmay_grant = true");
    assert_eq!(found(&scim, &grants), ["revocation.scim \"d\": may_grant is looser"]);
    assert_eq!(found(&read(""), &rule("allow", "")), ["access.allow \"r\" is new"]);
}

#[test]
fn no_key_that_a_running_gateway_takes_is_forgotten() {
    let mut forgotten = Vec::new();
    for (section, keys) in all_keys() {
        for key in keys {
            let path = if section.is_empty() { (*key).to_owned() } else { format!("{section}.{key}") };
            let is_one = |one: &str| path == one || path.starts_with(&format!("{one}."));
            let compared = OF_ENTRIES.iter().any(|(list, name, terms)| {
                is_one(&format!("{list}.{name}"))
                    || terms.iter().any(|(key, _)| is_one(&format!("{list}.{key}")))
            }) || OF_SECTIONS.iter().any(|(section, terms)| {
                terms.iter().any(|(key, _)| is_one(format!("{section}.{key}").trim_start_matches('.')))
            });
            let known = compared
                || RESOLVED.iter().chain(HARMLESS).any(|one| is_one(one))
                || slips::names(&path)
                || restart::is_needed_for(&path);
            if !known && all_keys().all(|(section, _)| section != path) {
                forgotten.push(path);
            }
        }
    }
    assert!(
        forgotten.is_empty(),
        "on reload nobody is told that these are looser; name each in reload/terms/every.rs, or below as harmless: \
         {forgotten:?}"
    );
}

/// Compared as they are resolved, with what is left out and what follows from other settings.
const RESOLVED: &[&str] = &[
    "access.default",
    "access.shadow",
    "admin.auth.groups",
    "audit.archive",
    "audit.egress",
    "audit.keep",
    "host",
    "model.labels",
    "model.tier",
    "model.to",
    "redact.default",
    "redact.entities",
    "redact.uninspectable",
    "server.cors",
    "translation.unsupported",
    "upstream.trains_on_data",
    "upstream.trusted",
    "upstream.zero_retention",
];

/// What holds nobody to anything: names, addresses, secrets' places, how long something may take, how much may wait.
const HARMLESS: &[&str] = &[
    // Refused there: only a rule that allows may demand.
    "access.deny.allow_keys",
    "access.deny.require",
    "alerts",
    "issuer.introspection.client_secret",
    "model.aliases",
    "model.name",
    "model.sticky",
    "redact.budget",
    "redact.key",
    "revocation.scim.token",
    "revocation.scim.previous_token",
    "server.drain",
    "server.max_body",
    "server.max_in_flight",
    "upstream.access_key",
    "upstream.api_version",
    "upstream.auth",
    "upstream.breaker",
    "upstream.ca",
    "upstream.client_cert",
    "upstream.dialects",
    "upstream.key",
    "upstream.kind",
    "upstream.max_in_flight",
    "upstream.name",
    "upstream.probe",
    "upstream.proxy",
    "upstream.responses",
    "upstream.secret_key",
    "upstream.session_token",
    "upstream.timeout",
    "upstream.url",
];
