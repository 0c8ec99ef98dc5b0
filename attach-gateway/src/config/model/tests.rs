use attach_core::Dialect;

use crate::config::{Config, Parameter};

fn parse(model: &str) -> Result<Config, String> {
    let file = format!(
        "[[issuer]]\nissuer = \"https://login.example\"\naudience = [\"a\"]\n\
         [[upstream]]\nname = \"in\"\nkind = \"ollama\"\nurl = \"http://127.0.0.1:1\"\ntrusted = true\nregion = \"eu\"\n\
         [[upstream]]\nname = \"out\"\nkind = \"openai\"\nurl = \"http://api.example\"\nzero_retention = true\n\
         [[model]]\nname = \"m\"\n{model}"
    );
    Config::parse(&file, |_| None).map_err(|error| error.to_string())
}

#[test]
fn an_alias_is_for_everybody_or_for_one_dialect() {
    let config =
        parse("to = [\"in\"]\naliases = [\"x\", { anthropic = \"claude-*\", ollama = [\"y\", \"z\"] }]")
            .expect("valid");
    let model = &config.models[0];
    let names: Vec<_> = model.names.iter().map(attach_auth::policy::ModelGlob::as_str).collect();
    assert_eq!(names, ["m", "x"]);
    let names: Vec<_> = model.dialect_names.iter().map(|(dialect, name)| (*dialect, name.as_str())).collect();
    let expected = [(Dialect::Anthropic, "claude-*"), (Dialect::Ollama, "y"), (Dialect::Ollama, "z")];
    assert_eq!(names, expected);
}

#[test]
fn a_target_says_more_than_its_upstream_and_never_less() {
    for (labels, said) in [
        ("{ upstream = \"out\", labels = { trusted = true } }", "\"m\": target \"out\": labels.trusted"),
        ("{ upstream = \"in\", labels = { zero_retention = true } }", "labels.zero_retention"),
        (
            "{ upstream = \"in\", labels = { region = \"us\" } }",
            "labels.region: its [[upstream]] is in \"eu\"",
        ),
    ] {
        let error = parse(&format!("to = [{labels}]")).expect_err(labels);
        assert!(error.contains(said), "{error}");
    }
    let error = parse("to = [\"out\"]\nlabels = { trusted = true }").expect_err("refused");
    assert!(error.contains("labels.trusted"), "{error}");
    let config = parse(
        "tier = \"small\"\nto = [{ upstream = \"in\", tier = \"large\", labels = { trusted = false } }, \
         { upstream = \"out\", labels = { zero_retention = false, region = \"us\", trains_on_data = false } }]",
    )
    .expect("valid");
    let [inside, outside] = &config.models[0].labels[..] else { panic!("two targets") };
    assert!(!inside.trusted && inside.tier.as_deref() == Some("large"));
    assert!(!outside.zero_retention && outside.tier.as_deref() == Some("small"));
    assert_eq!((outside.region.as_deref(), outside.trains_on_data), (Some("us"), Some(false)));
}

#[test]
fn a_targets_own_parameters_come_before_its_models() {
    let config = parse(
        "parameters = { defaults = { temperature = 0.2, seed = 7 }, overrides = { max_tokens = 100 } }\n\
         to = [\"in\", { upstream = \"out\", parameters = { defaults = { temperature = 1 }, \
         overrides = { reasoning_effort = \"low\", seed = 1 } } }]",
    )
    .expect("valid");
    let of = |n: usize| config.models[0].targets[n].parameters.clone().expect("parameters");
    assert_eq!(&*of(0).defaults[&Parameter::Temperature], "0.2");
    assert_eq!(&*of(1).defaults[&Parameter::Temperature], "1");
    assert_eq!(&*of(1).overrides[&Parameter::ReasoningEffort], "\"low\"");
    assert_eq!(&*of(1).overrides[&Parameter::MaxTokens], "100");
    assert!(!of(1).defaults.contains_key(&Parameter::Seed));
    let described = config.describe();
    assert!(
        described.contains("model m at out: unless said otherwise temperature = 1; always "),
        "{described}"
    );
}

#[test]
fn what_stays_together_is_said() {
    let described = |sticky: &str| {
        let model = format!("sticky = \"{sticky}\"\nto = [{{ upstream = \"in\", weight = 1 }}, \"out\"]");
        parse(&model).expect("valid").describe()
    };
    for (sticky, said) in [
        ("conversation", "in (weight 1), else out; sticky by conversation\n"),
        ("caller", "; sticky by caller\n"),
        ("header:X-Chat-Id", "; sticky by header x-chat-id\n"),
    ] {
        let described = described(sticky);
        assert!(described.contains(said), "{described}");
    }
}

#[test]
fn what_makes_no_sense_is_refused_by_its_name() {
    for (model, said) in [
        ("to = [\"in\", \"in\"]", "`to` names \"in\" twice"),
        ("to = []", "names no upstream"),
        ("to = [{ upstream = \"in\", weight = 2000000 }]", "weight"),
        ("to = [\"in\"]\nparameters = { defaults = { temperature = \"hot\" } }", "temperature: a number"),
        ("to = [\"in\"]\nparameters = { overrides = { max_tokens = -1 } }", "max_tokens: a whole number"),
        ("to = [\"in\"]\nparameters = { overrides = { temprature = 1 } }", "did you mean \"temperature\""),
        ("to = [\"in\"]\nparameters = { override = {} }", "did you mean \"overrides\""),
        ("sticky = \"caller\"\nto = [\"in\"]", "sticky: without a `weight`"),
        (
            "sticky = \"user\"\nto = [{ upstream = \"in\", weight = 1 }]",
            "is not one of conversation, caller, header:NAME",
        ),
        ("sticky = \"header:a b\"\nto = [{ upstream = \"in\", weight = 1 }]", "sticky: \"header:a b\""),
        ("to = [\"in\"]\naliases = [{ antropic = \"x\" }]", "did you mean \"anthropic\""),
    ] {
        let error = parse(model).expect_err(model);
        assert!(error.contains(said), "{model}: {error}");
    }
}
