//! What is said of where a model goes, that was not: its own labels and its upstreams' together. And where it goes now
//! that is held to less than all the places it went to, or of which more is said than of any of them.

use attach_core::destination::Labels;

use crate::config::{Config, Model};

/// Each of them, in words. A model is the same where it has a name in common, and a target where it goes to the same
/// model of the same upstream.
pub(super) fn found(before: &Config, now: &Config) -> Vec<String> {
    let mut found = Vec::new();
    for model in &now.models {
        // One that takes over others' names goes where none of those may have gone.
        for was in before.models.iter().filter(|was| was.names.iter().any(|name| model.names.contains(name)))
        {
            let told: Vec<_> =
                compared((before, was), (now, model)).filter(|told| !found.contains(told)).collect();
            found.extend(told);
        }
    }
    found
}

fn compared<'c>(
    (before, was): (&'c Config, &'c Model),
    (now, model): (&'c Config, &'c Model),
) -> impl Iterator<Item = String> {
    let name = model.names.first().map(ToString::to_string).unwrap_or_default();
    let was: Vec<_> = targets(before, was).collect();
    targets(now, model).flat_map(move |(target, labels)| {
        let said: Vec<_> = match was.iter().find(|(earlier, _)| *earlier == target) {
            Some((_, earlier)) => differing(earlier, labels).collect(),
            None => elsewhere(&was, labels).collect(),
        };
        let name = name.clone();
        said.into_iter().map(move |said| format!("model {name:?} at {:?} {said}", target.0))
    })
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

/// What holds of a new target and of none of those there were, and what held of all of them and not of it.
fn elsewhere(was: &[(Target<'_>, &Labels)], is: &Labels) -> impl Iterator<Item = &'static str> {
    let any = |of: &dyn Fn(&Labels) -> bool| was.is_empty() || was.iter().any(|(_, labels)| of(labels));
    let all = |of: &dyn Fn(&Labels) -> bool| !was.is_empty() && was.iter().all(|(_, labels)| of(labels));
    let newly = |of: &dyn Fn(&Labels) -> bool| of(is) && !any(of);
    let no_more = |of: &dyn Fn(&Labels) -> bool| !of(is) && all(of);
    let (trusted, retention) = (|one: &Labels| one.trusted, |one: &Labels| one.zero_retention);
    let never = |one: &Labels| one.trains_on_data == Some(false);
    let said = [
        (newly(&trusted), "is trusted"),
        (no_more(&trusted), "is not trusted"),
        (newly(&retention), "is said to keep nothing"),
        (no_more(&retention), "is not said to keep nothing"),
        (newly(&never), "is said not to learn"),
        (no_more(&never), "is not said not to learn"),
        (newly(&|one| one.trains_on_data == Some(true)), "is said to learn"),
        (!any(&|one| one.region == is.region), "is in another region"),
        (!any(&|one| one.tier == is.tier), "has another tier"),
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

    #[test]
    fn a_target_that_lies_elsewhere_is_told() {
        const TWO: &str = r#"
            [[issuer]]
            issuer = "https://idp.example.com"
            audience = ["api"]
            [[upstream]]
            name = "in"
            kind = "openai"
            url = "http://localhost:1"
            trusted = true
            zero_retention = true
            trains_on_data = false
            region = "eu"
            [[upstream]]
            name = "out"
            kind = "openai"
            url = "https://llm.example.com"
            trains_on_data = true
            region = "us"
            [[model]]
            name = "m"
            aliases = ["alias"]
            tier = "small"
            to = ["in"]
        "#;
        let read = |text: &str| Config::parse(text, |_| None).expect("a valid configuration");
        let to = |to: &str| read(&TWO.replace("to = [\"in\"]", &format!("to = [{to}]")));
        let outside = found(&to("\"in\""), &to("\"out\""));
        let told = [
            "is not trusted",
            "is not said to keep nothing",
            "is not said not to learn",
            "is said to learn",
            "is in another region",
        ];
        assert_eq!(outside, told.map(|told| format!("model \"m\" at \"out\" {told}")));
        assert_eq!(found(&to("\"in\""), &to("\"in\", \"out\"")), outside, "beside it, too");
        let renamed = TWO.replace("name = \"m\"", "name = \"alias\"").replace("aliases = [\"alias\"]", "");
        let renamed = read(&renamed.replace("to = [\"in\"]", "to = [\"out\"]"));
        assert_eq!(found(&to("\"in\""), &renamed).len(), told.len(), "it is known by any of its names");
        let two = TWO.replace("aliases = [\"alias\"]", "");
        let other = "\n[[model]]\nname = \"alias\"\ntier = \"small\"\nto = [\"out\"]\n";
        let before = read(&two.replace("name = \"m\"", "name = \"b\"").replacen(
            "[[model]]",
            &format!("{other}[[model]]"),
            1,
        ));
        let merged =
            read(&TWO.replace("name = \"m\"", "name = \"b\"").replace("to = [\"in\"]", "to = [\"out\"]"));
        assert_eq!(found(&before, &merged).len(), told.len(), "each name it has now went somewhere");
        let inside = found(&to("\"out\""), &to("\"in\""));
        assert_eq!(inside.len(), 4, "what goes there is neither redacted nor refused any more: {inside:?}");
        assert!(found(&to("\"in\", \"out\""), &to("\"out\"")).is_empty(), "it went there");
        assert!(found(&to("\"in\", \"out\""), &to("{ upstream = \"out\", model = \"x\" }")).is_empty());
    }
}
