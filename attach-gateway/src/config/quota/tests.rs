use attach_quota::{Action, Period, Unpriced, WhenDown, Window};

use super::*;
use crate::config::Config;

mod who;

const REST: &str = r#"
[[issuer]]
directory = "acme"
issuer = "https://idp.example.com"
audience = ["api"]
[[upstream]]
name = "local"
kind = "ollama"
url = "http://localhost:11434"
[[upstream]]
name = "openai"
kind = "openai"
url = "https://api.openai.com"
[[price]]
models = "gpt-*"
input = 2.5
output = 10
"#;

fn parsed(quotas: &str) -> Result<Config, ConfigError> {
    Config::parse(&format!("{REST}\n{quotas}"), |_| None)
}

fn limit(settings: &str) -> Limit {
    let config = parsed(&format!("[[quota]]\nid = \"q\"\n{settings}")).expect(settings);
    config.limits.into_iter().next().expect("a limit")
}

fn refused(settings: &str) -> String {
    let error = parsed(&format!("[[quota]]\nid = \"q\"\n{settings}")).expect_err(settings).to_string();
    assert!(!error.contains('\n'), "one sentence: {error}");
    error
}

#[test]
fn a_limit_counts_what_its_key_says_in_the_time_that_it_says() {
    for (written, unit, amount, period) in [
        ("tokens = \"60000/min\"", Unit::Tokens, 60_000, Some("minute")),
        ("tokens = \"2000000/day\"", Unit::Tokens, 2_000_000, Some("day")),
        ("input_tokens = \"5/s\"", Unit::InputTokens, 5, Some("second")),
        ("output_tokens = \"5/hour\"", Unit::OutputTokens, 5, Some("hour")),
        ("requests = \"100 / week\"", Unit::Requests, 100, Some("week")),
        ("requests = \"100/m\"", Unit::Requests, 100, Some("minute")),
        ("usd = \"500/month\"", Unit::MicroUsd, 500_000_000, Some("month")),
        ("usd = \"0.50/day\"", Unit::MicroUsd, 500_000, Some("day")),
        ("usd = \"12.5/h\"", Unit::MicroUsd, 12_500_000, Some("hour")),
        ("usd = \"0.000001/h\"", Unit::MicroUsd, 1, Some("hour")),
        ("concurrent = 8", Unit::Concurrent, 8, None),
    ] {
        let limit = limit(written);
        let window = limit.window();
        assert_eq!(
            (limit.unit(), window.amount(), window.period_name()),
            (unit, amount, period),
            "{written}"
        );
    }
}

#[test]
fn an_amount_that_makes_no_sense_says_what_to_write() {
    for (written, said) in [
        ("tokens = 60000", "tokens: 60000 does not say in how much time; write tokens = \"60000/min\""),
        ("tokens = \"60000\"", "does not say in how much time"),
        ("tokens = \"60k/min\"", "\"60k\" is not a number"),
        ("tokens = \"1.5/min\"", "1.5 is not a whole number"),
        ("tokens = \"-5/min\"", "less than nothing"),
        ("tokens = \"0/min\"", "deny it by [access] instead"),
        ("tokens = \"99999999999999999999/min\"", "too large"),
        ("requests = \"5/fortnight\"", "\"fortnight\" is no period: use s, min, h, day, week or month"),
        ("requests = [5]", "write requests = \"60/min\""),
        ("usd = 500", "usd: 500 does not say in how much time; write usd = \"500/month\""),
        ("usd = \"0.0000001/day\"", "more than 6 decimal places"),
        ("usd = \"$5/day\"", "is not a number"),
        ("concurrent = \"8\"", "\"8\" is not a whole number; write concurrent = 8"),
        ("concurrent = 2.5", "write concurrent = 8"),
        ("concurrent = 0", "allows nothing"),
        ("concurrent = -1", "less than nothing"),
        ("", "says nothing to count: write one of tokens, input_tokens"),
        ("tokens = \"1/s\"\nusd = \"1/h\"", "usd: tokens is there as well; a limit counts one thing"),
    ] {
        let error = refused(written);
        assert!(error.starts_with("quota \"q\"") && error.contains(said), "{written}: {error}");
    }
    let beyond = parsed("[[quota]]\nid = \"q\"\nconcurrent = 9223372036854775808").unwrap_err().to_string();
    assert!(beyond.contains("TOML"), "{beyond}");
}

#[test]
fn a_burst_is_for_rates_in_the_unit_of_the_limit() {
    assert_eq!(limit("tokens = \"60000/min\"\nburst = 90000").capacity(), 90_000);
    assert_eq!(limit("usd = \"12.5/h\"\nburst = 0.75").capacity(), 750_000);
    for (written, said) in [
        ("requests = \"5/day\"\nburst = 5", "burst: only what is given each second, minute or hour has one"),
        ("concurrent = 8\nburst = 5", "burst: there are never more than concurrent says"),
        ("requests = \"5/min\"\nburst = 0", "burst: 0 would let nothing pass"),
        ("requests = \"5/min\"\nburst = 1.5", "burst: 1.5 is not a whole number"),
        ("requests = \"5/min\"\nburst = -1", "burst: -1 is less than nothing"),
        ("requests = \"5/min\"\nburst = \"5/min\"", "burst: \"5/min\" is not a number"),
    ] {
        let error = refused(written);
        assert!(error.contains(said), "{written}: {error}");
    }
}

#[test]
fn a_time_zone_is_for_budgets() {
    let Window::Budget(budget) = limit("usd = \"500/month\"\ntimezone = \"Europe/Berlin\"").window().clone()
    else {
        panic!("no budget");
    };
    assert_eq!((budget.time_zone(), budget.period()), ("Europe/Berlin", Period::Month));
    assert!(
        refused("usd = \"5/h\"\ntimezone = \"Europe/Berlin\"")
            .contains("timezone: only what is given each day")
    );
    assert!(
        refused("usd = \"5/day\"\ntimezone = \"Europe/Bern\"")
            .contains("timezone: there is no time zone \"Europe/Bern\"")
    );
}

#[test]
fn weights_are_for_tokens() {
    let weights = |written: &str| limit(&format!("tokens = \"1/s\"\nweights = {written}"));
    let like = |input, cached_input, output| {
        Limit::tokens("q", attach_quota::Rate::per_second(1)).weights(attach_quota::Weights {
            input,
            cached_input,
            output,
        })
    };
    assert_eq!(weights("{ output = 3, cached_input = 0.1 }"), like(1000, 100, 3000));
    assert_eq!(weights("{ input = 0.5 }"), like(500, 500, 1000));
    for (written, said) in [
        ("requests = \"1/s\"\nweights = { output = 2 }", "weights: only a limit on tokens has them"),
        (
            "usd = \"1/h\"\nweights = { output = 2 }",
            "weights: only a limit on tokens has them, and this one counts usd",
        ),
        (
            "tokens = \"1/s\"\nweights = { output = 0.0001 }",
            "weights.output: 0.0001 has more than 3 decimal places",
        ),
        ("tokens = \"1/s\"\nweights = { input = -1 }", "weights.input: -1 is less than nothing"),
        ("tokens = \"1/s\"\nweights = { input = 5000 }", "weights.input: a token counts a thousand at most"),
        ("tokens = \"1/s\"\nweights = { input = 0, output = 0 }", "nothing would be counted"),
        (
            "tokens = \"1/s\"\nweights = { outputs = 2 }",
            "quota.weights.outputs: unknown setting; did you mean \"output\"?",
        ),
    ] {
        let error = refused(written);
        assert!(error.contains(said), "{written}: {error}");
    }
}

#[test]
fn an_action_shortens_only_what_an_answers_length_changes() {
    assert_eq!(limit("tokens = \"1/s\"").on_exceed(), Action::Refuse);
    for unit in ["tokens = \"1/s\"", "output_tokens = \"1/s\"", "usd = \"1/h\""] {
        for (name, action) in [("cut", Action::Cut), ("clamp", Action::Clamp), ("shadow", Action::Shadow)] {
            assert_eq!(limit(&format!("{unit}\naction = \"{name}\"")).on_exceed(), action);
        }
    }
    for unit in ["requests = \"1/s\"", "input_tokens = \"1/s\"", "concurrent = 1"] {
        for name in ["cut", "clamp"] {
            let error = refused(&format!("{unit}\naction = \"{name}\""));
            assert!(error.contains(&format!("action: {name} shortens an answer")), "{error}");
        }
        assert_eq!(limit(&format!("{unit}\naction = \"shadow\"")).on_exceed(), Action::Shadow);
    }
    assert!(
        refused("tokens = \"1/s\"\naction = \"stop\"").contains("is not one of refuse, cut, clamp, shadow")
    );
}

#[test]
fn a_limit_says_what_it_does_without_its_store_and_without_prices() {
    assert_eq!(limit("tokens = \"1/s\"").when_down(), WhenDown::Local);
    assert_eq!(limit("usd = \"1/h\"").when_down(), WhenDown::Closed);
    assert_eq!(limit("usd = \"1/h\"\nwhen_store_down = \"open\"").when_down(), WhenDown::Open);
    assert!(
        refused("tokens = \"1/s\"\nwhen_store_down = \"up\"").contains("is not one of closed, local, open")
    );
    assert_eq!(limit("usd = \"1/h\"").on_unpriced(), Unpriced::Refuse);
    assert_eq!(limit("usd = \"1/h\"\nunpriced = \"free\"").on_unpriced(), Unpriced::Free);
    // What is only watched refuses nothing.
    assert_eq!(limit("usd = \"1/h\"\naction = \"shadow\"").on_unpriced(), Unpriced::Free);
    for (written, said) in [
        ("tokens = \"1/s\"\nunpriced = \"free\"", "unpriced: only a limit on usd needs prices"),
        ("usd = \"1/h\"\nunpriced = \"maybe\"", "unpriced: \"maybe\" is neither"),
        (
            "usd = \"1/h\"\nunpriced = \"refuse\"\naction = \"shadow\"",
            "unpriced: a limit with action = \"shadow\"",
        ),
    ] {
        let error = refused(written);
        assert!(error.contains(said), "{written}: {error}");
    }
}

#[test]
fn every_limit_has_an_id_of_its_own() {
    let error = parsed("[[quota]]\ntokens = \"1/s\"").unwrap_err().to_string();
    assert!(error.contains("number 1 has no id") && error.contains("id = "), "{error}");
    let twice = "[[quota]]\nid = \"q\"\ntokens = \"1/s\"\n";
    let error = parsed(&format!("{twice}{twice}")).unwrap_err().to_string();
    assert!(error.contains("quota \"q\": id: two limits are called that"), "{error}");
}

#[test]
fn limits_are_printed_as_people_say_them() {
    let text = parsed(
        r#"
        [[quota]]
        id = "rate"
        each = "group-member"
        groups = ["eng"]
        tokens = "60000/min"
        burst = 90000
        weights = { output = 3 }
        models = ["gpt-4*"]
        action = "cut"
        [[quota]]
        id = "budget"
        each = "claim:department"
        usd = "12.50/day"
        timezone = "Europe/Berlin"
        [[quota]]
        id = "places"
        shared = true
        concurrent = 8
        fair = true
        "#,
    )
    .unwrap()
    .describe();
    for line in [
        "quota rate: 60000 tokens/minute (burst 90000 tokens) for each member, of several groups the most generous; \
         groups eng; models gpt-4*; weights output 3; cut; local without the store",
        "quota budget: 12.5 USD/day in Europe/Berlin for each department; refuse; unpriced models refused; closed without \
         the store",
        "quota places: 8 requests at a time shared by all; fair; refuse; local without the store",
        "price gpt-*: input 2.5, output 10 USD for a million tokens",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
}
