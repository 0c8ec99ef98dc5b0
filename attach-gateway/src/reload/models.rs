//! What is said of where a model goes, that was not: its own labels and its upstreams' together.

use attach_core::destination::Labels;

use crate::config::{Config, Model};

/// Each of them, in words. A target is the same where it goes to the same model of the same upstream.
pub(super) fn found(before: &Config, now: &Config) -> Vec<String> {
    let mut found = Vec::new();
    for model in &now.models {
        let Some(was) = before.models.iter().find(|was| was.names.first() == model.names.first()) else {
            continue;
        };
        let name = model.names.first().map(ToString::to_string).unwrap_or_default();
        for (target, labels) in targets(now, model) {
            let Some((_, earlier)) = targets(before, was).find(|(earlier, _)| *earlier == target) else {
                continue;
            };
            let said = differing(earlier, labels);
            found.extend(said.map(|said| format!("model {name:?} at {:?} {said}", target.0)));
        }
    }
    found
}

type Target<'c> = (&'c str, Option<&'c str>);

fn targets<'c>(config: &'c Config, model: &'c Model) -> impl Iterator<Item = (Target<'c>, &'c Labels)> {
    model.targets.iter().zip(&model.labels).filter_map(|(target, labels)| {
        let upstream = config.upstreams.get(target.upstream)?;
        Some(((&*upstream.name, target.model.as_deref()), &**labels))
    })
}

fn differing(was: &Labels, is: &Labels) -> impl Iterator<Item = &'static str> {
    let said = [
        (is.trusted && !was.trusted, "is trusted"),
        (is.zero_retention && !was.zero_retention, "is said to keep nothing"),
        (is.trains_on_data == Some(false) && was.trains_on_data.is_none(), "is said not to learn"),
        (
            is.trains_on_data != Some(true) && was.trains_on_data == Some(true),
            "is not said to learn any more",
        ),
        (was.region != is.region, "is in another region"),
        (was.tier != is.tier, "has another tier"),
    ];
    said.into_iter().filter_map(|(differs, said)| differs.then_some(said))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = r#"
        [[issuer]]
        issuer = "https://idp.example.com"
        audience = ["api"]
        [[upstream]]
        name = "in"
        kind = "openai"
        url = "http://localhost:1"
        trusted = true
        zero_retention = true
        [[model]]
        name = "m"
        tier = "small"
        to = ["in", { upstream = "in", model = "other", labels = { trusted = false, zero_retention = false, trains_on_data = true } }]
    "#;

    fn of(from: &str, to: &str) -> Vec<String> {
        let now = FILE.replace(from, to);
        assert_ne!(now, FILE, "{from}");
        let read = |text: &str| Config::parse(text, |_| None).expect("a valid configuration");
        found(&read(FILE), &read(&now))
    }

    #[test]
    fn what_a_target_was_held_to_and_is_not_is_told() {
        for (from, to, told) in [
            ("trusted = false, ", "", "is trusted"),
            ("zero_retention = false, ", "", "is said to keep nothing"),
            (", trains_on_data = true", "", "is not said to learn any more"),
            ("model = \"other\", labels", "model = \"other\", tier = \"large\", labels", "has another tier"),
            ("trusted = false, ", "trusted = false, region = \"us\", ", "is in another region"),
        ] {
            assert_eq!(of(from, to), [format!("model \"m\" at \"in\" {told}")], "{to}");
        }
        assert_eq!(of("tier = \"small\"", "tier = \"large\"").len(), 2, "each target has it");
        let stricter = of("to = [\"in\"", "to = [{ upstream = \"in\", labels = { trusted = false } }");
        assert!(stricter.is_empty(), "{stricter:?}");
        assert!(of("\"other\"", "\"another\"").is_empty(), "another target");
    }
}
