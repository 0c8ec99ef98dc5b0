use super::shape::{AccessRule, Labels};

impl AccessRule {
    /// The rule's name and everything it says.
    pub(super) fn summary(&self) -> String {
        let given = &self.conditions;
        let mut parts = Vec::new();
        let mut add = |what: &str, items: &[String]| {
            if !items.is_empty() {
                parts.push(format!("{what} {}", items.join(", ")));
            }
        };
        add("groups", &given.groups);
        add("scopes", &given.scopes);
        add("clients", &given.client_ids);
        for (path, values) in &given.claims {
            add(&format!("claim {path}"), &super::texts(values));
        }
        if let Some(devices) = &given.devices {
            let values = super::texts(&devices.values);
            let there = devices.exists.unwrap_or(true).to_string();
            add(
                &format!("device claim {}", devices.claim),
                if values.is_empty() { std::slice::from_ref(&there) } else { &values },
            );
        }
        add("networks", &given.networks);
        add("proof", given.proof.list());
        add("models", &given.models);
        add("apis", &given.apis);
        add("hosted tools", &given.tools);
        add("kind", given.kind.as_slice());
        add("verbs", &given.verbs);
        add("to", &given.labels().parts());
        if parts.is_empty() {
            parts.push("everybody, everything".into());
        }
        parts.extend(self.demands());
        format!("{}: {}", self.id, parts.join("; "))
    }

    fn demands(&self) -> Vec<String> {
        let mut parts = Vec::new();
        if let Some(demands) = &self.require {
            let mut wanted = Vec::new();
            for (name, list) in [("acr", &demands.acr), ("amr", &demands.amr)] {
                if !list.list().is_empty() {
                    wanted.push(format!("{name} {}", list.list().join(" ")));
                }
            }
            wanted.extend(demands.auth_age.map(|age| format!("auth_age {:?}", age.0)));
            wanted.extend(demands.labels.parts());
            parts.push(format!("requires {}", wanted.join(", ")));
        }
        if self.allow_keys {
            parts.push("allows keys".into());
        }
        if self.shadow {
            parts.push("SHADOW, not enforced".into());
        }
        parts
    }
}

impl Labels {
    fn parts(&self) -> Vec<String> {
        let flags = [
            ("trusted", self.trusted),
            ("zero_retention", self.zero_retention),
            ("trains_on_data", self.trains_on_data),
        ];
        let flags = flags.into_iter().filter_map(|(name, flag)| Some(format!("{name} = {}", flag?)));
        let lists = [("region", &self.region), ("tier", &self.tier), ("upstream", &self.upstream)];
        let lists = lists.into_iter().filter(|(_, list)| !list.list().is_empty());
        flags.chain(lists.map(|(name, list)| format!("{name} {}", list.list().join(" ")))).collect()
    }
}
