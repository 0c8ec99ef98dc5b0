//! What a configuration allows that the one before did not. It says so itself, so it comes into force; an auditor is told.

use std::collections::BTreeSet;

use attach_audit::retention::Keep;
use attach_auth::IssuerConfig;
use toml::Value;

use super::{models, terms};
use crate::config::{Config, Redact, Unsupported, Upstream};
use crate::trail;

/// Each of them, in words.
pub(super) fn found(before: &Config, now: &Config) -> Vec<String> {
    let mut found = Vec::new();
    let off = trail::protections_off(before);
    found.extend(trail::protections_off(now).into_iter().filter(|one| !off.contains(one)).map(str::to_owned));
    if now.rules.is_open_to_everybody() && !before.rules.is_open_to_everybody() {
        found.push("access: everybody may do everything".to_owned());
    }
    for (list, name) in [("access.deny", "id"), ("quota", "id")] {
        let left = names(now, list, name);
        let gone = names(before, list, name).into_iter().filter(|id| !left.contains(id));
        found.extend(gone.map(|id| format!("{list} {id:?} is gone")));
    }
    for upstream in &now.upstreams {
        let was = before.upstreams.iter().find(|was| was.name == upstream.name);
        found.extend(
            labels(was.map(|was| &**was), upstream)
                .map(|what| format!("upstream {:?} {what}", upstream.name)),
        );
    }
    let known = |issuer: &&IssuerConfig| before.issuers.iter().any(|was| was.issuer() == issuer.issuer());
    let new = now.issuers.iter().filter(|issuer| !known(issuer));
    found.extend(new.map(|issuer| format!("issuer {:?} is new", issuer.issuer())));
    found.extend(models::found(before, now));
    found.extend(redaction(before, now));
    found.extend(doors(before, now));
    found.extend(watched(before, now));
    found.extend(terms::found(&before.written, &now.written));
    found.extend(hosts(before, now));
    found
}

/// What an auditor or an operator is left to find out alone.
fn watched<'c>(before: &'c Config, now: &'c Config) -> impl Iterator<Item = String> + use<'c> {
    let (was, is) = (&before.audit.keep, &now.audit.keep);
    // Nothing is the longest time, and the largest size.
    let less = |was: Option<u64>, is: Option<u64>| is.is_some_and(|is| was.is_none_or(|was| is < was));
    let seconds = |keep: &Keep| keep.age.map(|age| age.as_secs());
    let shorter = less(seconds(was), seconds(is)) || less(was.size, is.size);
    let shorter = shorter.then(|| "audit.keep is shorter".to_owned());
    let left = |name: &str| now.audit.egress.iter().any(|one| one.name == name);
    let unsent = before.audit.egress.iter().filter(move |one| !left(&one.name));
    let unsent = unsent.map(|one| format!("audit.egress {:?} is gone", one.name));
    let unsaved = before.audit.archive.is_some() && now.audit.archive.is_none();
    let unsaved = unsaved.then(|| "audit.archive is gone".to_owned());
    let untold = before.alerts.is_some() && now.alerts.is_none();
    shorter
        .into_iter()
        .chain(unsent)
        .chain(unsaved)
        .chain(untold.then(|| "alerts: nobody is told of budgets any more".to_owned()))
}

/// Pages and administrators that were not let in.
fn doors(before: &Config, now: &Config) -> Vec<String> {
    let new = now.server.origins.iter().filter(|origin| !before.server.origins.contains(origin));
    let mut found: Vec<_> = new.map(|origin| format!("server.cors: {origin:?} is new")).collect();
    let roles = |config: &Config| config.admin.as_ref().map(|admin| admin.roles.clone()).unwrap_or_default();
    let was = roles(before);
    let new = roles(now).into_iter().filter(|role| !was.contains(role));
    found.extend(new.map(|(role, group)| format!("admin.auth: {group:?} is {}", role.as_str())));
    found
}

/// What exists or is known by one of the gateway's names, and was not.
fn hosts(before: &Config, now: &Config) -> Vec<String> {
    let mut found = Vec::new();
    for host in &now.hosts {
        let Some(was) = before.hosts.iter().find(|was| was.name == host.name) else {
            found.push(format!("host {:?} is new", host.name));
            continue;
        };
        let new = host.directories.iter().filter(|one| !was.directories.contains(one));
        found.extend(new.map(|one| format!("host {:?} knows callers of {one:?}", host.name)));
        if host.models != was.models && was.models.is_some() {
            let kept = was.models.as_deref().unwrap_or_default();
            let new = host.models.as_deref().map(|new| new.iter().filter(|one| !kept.contains(one)).count());
            if new != Some(0) {
                found.push(format!("host {:?} has other models", host.name));
            }
        }
        if host.external_url != was.external_url {
            found.push(format!("host {:?}: external_url is another", host.name));
        }
        let new = host.origins.iter().filter(|origin| !was.origins.contains(origin));
        found.extend(new.map(|origin| format!("host {:?}: cors: {origin:?} is new", host.name)));
    }
    found
}

/// What a provider has encrypted for itself.
const ENCRYPTED: &str = "encrypted";

/// What is said of an upstream that was not.
fn labels(was: Option<&Upstream>, is: &Upstream) -> impl Iterator<Item = &'static str> {
    let newly = |of: fn(&Upstream) -> bool| of(is) && !was.is_some_and(of);
    let trusted = newly(|one| one.labels.trusted).then_some("is trusted");
    let retention = newly(|one| one.labels.zero_retention).then_some("is said to keep nothing");
    let lost = |of: fn(&Upstream) -> bool| was.is_some_and(of) && !of(is);
    let trains =
        lost(|one| one.labels.trains_on_data == Some(true)).then_some("is not said to learn any more");
    let learns = |one: Option<&Upstream>| one.and_then(|one| one.labels.trains_on_data);
    let never = learns(Some(is)) == Some(false) && learns(was).is_none();
    let never = never.then_some("is said not to learn");
    let guarded = |one: &Upstream| one.bedrock.as_ref().is_some_and(|bedrock| bedrock.guardrail.is_some());
    let guardrail = lost(guarded).then_some("has no guardrail any more");
    let refuses = |one: &Upstream| one.unsupported == Unsupported::Refuse;
    let dropped = lost(refuses).then_some("is sent calls whose settings were left out");
    [trusted, retention, trains, never, guardrail, dropped].into_iter().flatten()
}

/// Actions that let more through than before.
fn redaction(before: &Config, now: &Config) -> Vec<String> {
    let (was, is) = (&before.redact, &now.redact);
    let mut found = Vec::new();
    let default = |config: &Config| strength(config.redact.default_action.as_deref());
    if default(now) < default(before) {
        found.push("redact.default is weaker".to_owned());
    }
    for (name, action, _) in &is.entities {
        let earlier = was.entities.iter().find(|(known, ..)| known == name);
        let earlier = earlier.and_then(|(_, action, _)| action.as_deref()).or(was.default_action.as_deref());
        let action = action.as_deref().or(is.default_action.as_deref());
        if strength(action) < strength(earlier) {
            found.push(format!("redact.entities.{name} is weaker"));
        }
    }
    let left = |name: &String| is.entities.iter().any(|(known, ..)| known == name);
    for (name, action, _) in was.entities.iter().filter(|(name, ..)| !left(name)) {
        // One that is found only because it is named has no other action.
        let opted = action.as_deref().or(was.default_action.as_deref());
        if strength(opted) > 0 {
            found.push(format!("redact.entities.{name} is not named any more"));
        }
    }
    for (name, was, is) in [
        ("lexicon", lexicons(was), lexicons(is)),
        ("threshold", format!("{:?}", was.thresholds), format!("{:?}", is.thresholds)),
        ("words", format!("{:?}", was.words), format!("{:?}", is.words)),
    ] {
        if was != is {
            found.push(format!("redact.entities: {name} is another"));
        }
    }
    let open = |actions: &[(String, String)]| -> BTreeSet<String> {
        let open = actions.iter().filter(|(_, action)| action == "allow").map(|(what, _)| what.clone());
        // It is let through unless something else is said.
        let shut = actions.iter().any(|(what, action)| what == ENCRYPTED && action != "allow");
        open.chain((!shut).then(|| ENCRYPTED.to_owned())).collect()
    };
    let newly = open(&is.uninspectable).difference(&open(&was.uninspectable)).cloned().collect::<Vec<_>>();
    found.extend(newly.into_iter().map(|what| format!("redact.uninspectable.{what} is let through")));
    found
}

fn lexicons(redact: &Redact) -> String {
    let used = redact.entities.iter().filter_map(|(name, _, lexicon)| Some((name, (*lexicon)?)));
    format!("{:?}", used.collect::<Vec<_>>())
}

/// How much of a value an action lets through, the less the more; `replace` unless set.
fn strength(action: Option<&str>) -> u8 {
    match action {
        Some("allow" | "shadow") => 0,
        Some("block") => 2,
        _ => 1,
    }
}

fn names(config: &Config, list: &str, name: &str) -> Vec<String> {
    let mut keys = list.split('.');
    let first = keys.next().and_then(|key| config.written.get(key));
    let entries = keys.try_fold(first, |value, key| value.map(|value| value.get(key)));
    let entries = entries.flatten().and_then(Value::as_array).into_iter().flatten();
    entries.filter_map(|entry| entry.get(name).and_then(Value::as_str)).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = r#"
        [[issuer]]
        issuer = "https://idp.example.com"
        audience = ["api"]
        [[upstream]]
        name = "a"
        kind = "openai"
        url = "https://api.openai.com"
        [[quota]]
        id = "calls"
        requests = "2/h"
        [[access.deny]]
        id = "no"
        models = ["gpt-4*"]
        [redact]
        default = "block"
        uninspectable = { images = "block", encrypted = "block" }
    "#;

    fn of(from: &str, to: &str) -> Vec<String> {
        let now = FILE.replace(from, to);
        assert_ne!(now, FILE, "{from}");
        let read = |text: &str| Config::parse(text, |_| None).expect("a valid configuration");
        found(&read(FILE), &read(&now))
    }

    #[test]
    fn what_is_allowed_now_and_was_not_is_told() {
        for (from, to, told) in [
            ("url = \"https", "trusted = true\nurl = \"https", "upstream \"a\" is trusted"),
            ("default = \"block\"", "default = \"allow\"", "redact.default is weaker"),
            (
                "default = \"block\"",
                "default = \"block\"\nentities = { EMAIL_ADDRESS = \"mask\" }",
                "redact.entities.EMAIL_ADDRESS is weaker",
            ),
            (
                "[redact]",
                "[server]\ncors = { allowed_origins = [\"https://chat.example.com\"] }\n[redact]",
                "server.cors: \"https://chat.example.com\" is new",
            ),
            ("id = \"calls\"", "id = \"other\"", "quota \"calls\" is gone"),
            ("id = \"no\"", "id = \"other\"", "access.deny \"no\" is gone"),
            ("[redact]", "[audit]\nkeep = { age = \"100d\" }\n[redact]", "audit.keep is shorter"),
            (
                "[redact]",
                "[audit]\nkeep = { age = \"900d\", size = \"1GiB\" }\n[redact]",
                "audit.keep is shorter",
            ),
            ("url = \"https", "trains_on_data = false\nurl = \"https", "upstream \"a\" is said not to learn"),
            ("idp.example", "other.example", "issuer \"https://other.example.com\" is new"),
            ("images = \"block\"", "images = \"allow\"", "redact.uninspectable.images is let through"),
            (", encrypted = \"block\"", "", "redact.uninspectable.encrypted is let through"),
        ] {
            assert_eq!(of(from, to), [told], "{to}");
        }
        let open = of("[[access.deny]]", "[access]\ndefault = \"allow\"\n[[access.deny]]");
        assert!(open.is_empty() || open == ["access: everybody may do everything"], "{open:?}");
    }

    #[test]
    fn what_exists_by_a_name_and_did_not_is_told() {
        let host = |name: &str, more: &str| {
            let text =
                format!("[[host]]\nname = \"{name}\"\ndirectories = [\"idp.example.com\"]\n{more}\n{FILE}");
            Config::parse(&text, |_| None).expect("a valid configuration")
        };
        let was = host("a.example", "models = [\"x\", \"y\"]");
        for (now, told) in [
            (host("b.example", ""), "host \"b.example\" is new"),
            (host("a.example", ""), "host \"a.example\" has other models"),
            (host("a.example", "models = [\"x\", \"z\"]"), "host \"a.example\" has other models"),
            (
                host("a.example", "models = [\"x\"]\ncors = { allowed_origins = [\"https://c.example\"] }"),
                "host \"a.example\": cors: \"https://c.example\" is new",
            ),
        ] {
            assert_eq!(found(&was, &now), [told]);
        }
        assert!(found(&was, &host("a.example", "models = [\"y\"]")).is_empty());
    }

    #[test]
    fn what_is_stricter_or_another_is_not() {
        assert!(of("requests = \"2/h\"", "requests = \"1/h\"").is_empty());
        assert!(
            of("default = \"block\"", "default = \"block\"\nentities = { EMAIL_ADDRESS = \"block\" }")
                .is_empty()
        );
        assert!(of("openai.com", "openai.example").is_empty());
        assert!(of("[redact]", "[audit]\nkeep = { age = \"900d\" }\n[redact]").is_empty());
    }

    #[test]
    fn an_entity_that_nobody_names_any_more_is_told() {
        let named = FILE.replace(
            "default = \"block\"",
            "default = \"block\"\nentities = { US_PASSPORT = { action = \"replace\", threshold = 0.5 } }",
        );
        let read = |text: &str| Config::parse(text, |_| None).expect("a valid configuration");
        let told = found(&read(&named), &read(&named.replace("threshold = 0.5", "threshold = 0.9")));
        assert_eq!(told, ["redact.entities: threshold is another"]);
        let told = found(&read(&named), &read(FILE));
        assert!(told.contains(&"redact.entities.US_PASSPORT is not named any more".to_owned()), "{told:?}");
    }

    #[test]
    fn alerts_that_are_gone_are_told() {
        let url = "[alerts]\nurl = { env = \"HOOK\" }\n[redact]";
        let env = |name: &str| (name == "HOOK").then(|| "https://hook.example.com".to_owned());
        let read = |text: &str| Config::parse(text, env).expect("a valid configuration");
        let told = found(&read(&FILE.replace("[redact]", url)), &read(FILE));
        assert_eq!(told, ["alerts: nobody is told of budgets any more"]);
    }
}
