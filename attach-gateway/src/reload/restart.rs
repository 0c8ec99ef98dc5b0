//! What has changed, and what of it a running gateway cannot change.

use std::collections::BTreeSet;

use toml::{Table, Value};

/// Sections that describe what is built anew for each configuration.
const LIVE: &[&str] = &[
    "access",
    "alerts",
    "front_end",
    "host",
    "issuer",
    "keys",
    "model",
    "price",
    "quota",
    "redact",
    "revocation",
    "translation",
    "upstream",
];

/// Such settings of sections that otherwise describe what lives as long as the process.
const LIVE_SETTINGS: &[&str] = &[
    "server.max_body",
    "server.max_in_flight",
    "server.cors",
    "server.drain",
    "server.external_url",
    "telemetry.labels",
    "telemetry.user_id",
    "admin.auth",
    "admin.hosts",
    "audit.archive",
    "audit.disk_alert",
    "audit.egress",
    "audit.keep",
];

/// The sections that are not as they were.
pub(super) fn changed(before: &Table, now: &Table) -> Vec<String> {
    differing(before, now).into_iter().map(str::to_owned).collect()
}

/// The settings that have changed and cannot while the gateway runs.
pub(super) fn needed(before: &Table, now: &Table) -> Vec<String> {
    let mut needed = Vec::new();
    // Which names there are can change; whether they count is what every caller's proofs and tokens are held to.
    if named(before) != named(now) {
        needed.push("host".to_owned());
    }
    for section in differing(before, now).into_iter().filter(|section| !LIVE.contains(section)) {
        let (was, is) = (before.get(section), now.get(section));
        let (Some(was), Some(is)) = (table(was), table(is)) else {
            needed.push(section.to_owned());
            continue;
        };
        // A listener that was not there needs more than its settings.
        if section == "admin" && was.is_empty() != is.is_empty() {
            needed.push(section.to_owned());
            continue;
        }
        let settings = differing(&was, &is).into_iter().map(|key| format!("{section}.{key}"));
        needed.extend(settings.filter(|setting| !LIVE_SETTINGS.contains(&setting.as_str())));
    }
    needed
}

/// Whether requests have to name a host.
fn named(table: &Table) -> bool {
    table.get("host").and_then(Value::as_array).is_some_and(|hosts| !hosts.is_empty())
}

/// The section's settings; none if it is not there.
fn table(value: Option<&Value>) -> Option<Table> {
    value.map_or_else(|| Some(Table::new()), |value| value.as_table().cloned())
}

fn differing<'t>(before: &'t Table, now: &'t Table) -> BTreeSet<&'t str> {
    let keys = before.keys().chain(now.keys()).map(String::as_str);
    keys.filter(|key| before.get(*key) != now.get(*key)).collect()
}

/// Whether a file that changes what stands at `path` is refused.
#[cfg(test)]
pub(super) fn is_needed_for(path: &str) -> bool {
    let section = path.split('.').next().unwrap_or_default();
    let live = |setting: &&&str| path == **setting || path.starts_with(&format!("{setting}."));
    !LIVE.contains(&section) && LIVE_SETTINGS.iter().find(live).is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Table {
        text.parse().expect("valid TOML")
    }

    fn of(before: &str, now: &str) -> Vec<String> {
        needed(&read(before), &read(now))
    }

    #[test]
    fn what_is_built_anew_needs_no_restart() {
        for now in [
            "[[model]]\nname = \"m\"",
            "[server]\nmax_body = \"1MiB\"\nmax_in_flight = 3\ndrain = \"1s\"",
            "[audit]\nkeep = { age = \"90d\" }",
            "[telemetry]\nlabels = [\"group\"]",
            "[redact]\ndefault = \"block\"",
        ] {
            assert!(of("", now).is_empty() && of(now, "").is_empty(), "{now}");
        }
        let host = |name: &str| format!("[[host]]\nname = \"{name}\"");
        assert!(of(&host("a"), &host("b")).is_empty());
        let admin = "[admin]\nlisten = \"127.0.0.1:1\"\n[admin.auth]\naudience = ";
        assert!(of(&format!("{admin}\"a\""), &format!("{admin}\"b\"")).is_empty());
    }

    #[test]
    fn what_lives_as_long_as_the_process_is_named() {
        for (before, now, named) in [
            ("[server]\nlisten = \"a\"", "[server]\nlisten = \"b\"", "server.listen"),
            ("", "[server]\nmax_connections = 9", "server.max_connections"),
            ("[audit]\nmode = \"strict\"", "", "audit.mode"),
            ("", "[state]\ndir = \"d\"", "state.dir"),
            ("", "[admin]\nlisten = \"a\"", "admin"),
            ("[admin]\nlisten = \"a\"\nhosts = []", "[admin]\nlisten = \"b\"\nhosts = []", "admin.listen"),
            ("[telemetry]\notlp = \"a\"", "[telemetry]\notlp = \"b\"", "telemetry.otlp"),
            // Of a section that comes later nobody has said yet that it can change.
            ("", "[something]\nnew = 1", "something.new"),
            ("", "scalar = 1", "scalar"),
            ("", "[[host]]\nname = \"a\"", "host"),
            ("[[host]]\nname = \"a\"", "host = []", "host"),
        ] {
            assert_eq!(of(before, now), [named], "{before} → {now}");
        }
    }
}
