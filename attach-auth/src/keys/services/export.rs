use std::borrow::Cow;

use serde_json::json;

use super::{Owners, ServiceIdentity, Services};
use crate::keys::time::rfc3339;

const COLUMNS: &str = "directory,name,purpose,owning_group,owners,expires_at,last_used_at,state,key_prefixes";

impl Services {
    /// The inventory as JSON lines: directory, name, purpose, owners, expiry, last use, state, beginnings of keys.
    #[must_use]
    pub fn export_json_lines(&self) -> String {
        self.list().iter().map(|service| format!("{}\n", line(service))).collect()
    }

    /// The inventory as CSV (RFC 4180) with a header line.
    #[must_use]
    pub fn export_csv(&self) -> String {
        let mut csv = format!("{COLUMNS}\r\n");
        for service in self.list() {
            let (group, people) = match &service.owners {
                Owners::Group(group) => (&**group, String::new()),
                Owners::People(people) => ("", people.join(" ")),
            };
            let last_used = service.last_used_at.map(rfc3339).unwrap_or_default();
            let (expires, prefixes) = (rfc3339(service.expires_at), prefixes(&service).join(" "));
            let fields = [&*service.directory, &service.name, &service.purpose, group, &people];
            let rest = [&*expires, &last_used, service.state.as_str(), &prefixes];
            let fields: Vec<_> = fields.into_iter().chain(rest).map(field).collect();
            csv.push_str(&fields.join(","));
            csv.push_str("\r\n");
        }
        csv
    }
}

fn line(service: &ServiceIdentity) -> serde_json::Value {
    let (group, people) = match &service.owners {
        Owners::Group(group) => (Some(group), None),
        Owners::People(people) => (None, Some(people.iter().map(|id| &**id).collect::<Vec<_>>())),
    };
    json!({
        "directory": &*service.directory,
        "name": &*service.name,
        "purpose": service.purpose,
        "owning_group": group,
        "owners": people,
        "expires_at": rfc3339(service.expires_at),
        "last_used_at": service.last_used_at.map(rfc3339),
        "state": service.state.as_str(),
        "key_prefixes": prefixes(service),
    })
}

fn prefixes(service: &ServiceIdentity) -> Vec<&str> {
    service.keys.iter().map(|key| &*key.prefix).collect()
}

/// A field that a spreadsheet neither splits nor runs: what begins like a formula gets an apostrophe.
fn field(text: &str) -> Cow<'_, str> {
    let formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    if !formula && !text.contains([',', '"', '\r', '\n']) {
        return text.into();
    }
    let apostrophe = if formula { "'" } else { "" };
    format!("\"{apostrophe}{}\"", text.replace('"', "\"\"")).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_cannot_leave_its_cell_nor_become_a_formula() {
        assert_eq!(field("nightly build"), "nightly build");
        assert_eq!(field("a,\"b\"\n"), "\"a,\"\"b\"\"\n\"");
        assert_eq!(field("=cmd|' /C calc'!A0"), "\"'=cmd|' /C calc'!A0\"");
    }
}
