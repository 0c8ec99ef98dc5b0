use std::time::{Duration, SystemTime, UNIX_EPOCH};

use attach_core::Usage;

use super::*;
use crate::config::Config;

const REST: &str = r#"
[[issuer]]
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
"#;

const MONEY: &str = "[[quota]]\nid = \"money\"\nusd = \"5/day\"\n";

fn parsed(rest: &str) -> Result<Config, ConfigError> {
    Config::parse(&format!("{REST}\n{rest}"), |_| None)
}

fn refused(rest: &str) -> String {
    let error = parsed(rest).expect_err(rest).to_string();
    assert!(!error.contains('\n'), "one sentence: {error}");
    error
}

fn usage(input: u64, output: u64) -> Usage {
    let mut usage = Usage::default();
    (usage.input, usage.output) = (input, output);
    usage
}

/// What a million input tokens cost, in millionths.
fn input(config: &Config, model: &str, upstream: &str) -> Option<u64> {
    config
        .quota
        .prices
        .of(model, Some(upstream), SystemTime::now())
        .map(|price| price.cost(&usage(1_000_000, 0)))
}

#[test]
fn a_price_is_exact_to_a_millionth_of_a_dollar() {
    let config = parsed(
        r#"
        [[price]]
        models = ["gpt-4o*", "o3"]
        input = 2.5
        output = 10
        cached_input = "1.25"
        cache_write = 3.125
        reasoning = 60.123457
        "#,
    )
    .unwrap();
    let price = config.quota.prices.of("o3", Some("openai"), SystemTime::now()).expect("a price");
    let mut parts = usage(3_000_000, 2_000_000);
    (parts.cache_read, parts.cache_write, parts.reasoning) = (1_000_000, 1_000_000, 1_000_000);
    assert_eq!(price.cost(&parts), 2_500_000 + 1_250_000 + 3_125_000 + 10_000_000 + 60_123_457);
    assert_eq!(price.cost(&usage(1, 0)), 3, "rounded up once a call");
    assert_eq!(input(&config, "gpt-4o-mini", "openai"), Some(2_500_000));
    assert_eq!(input(&config, "llama3", "local"), None);
}

#[test]
fn a_price_may_be_for_one_upstream_and_for_a_time() {
    let config = parsed(
        r#"
        [[price]]
        models = "*"
        upstream = "local"
        input = 0
        output = 0
        [[price]]
        models = "gpt-4o"
        until = 2020-01-01
        input = 5
        output = 15
        [[price]]
        models = "gpt-4o"
        from = 2020-01-01
        input = 2.5
        output = 10
        "#,
    )
    .unwrap();
    assert_eq!(input(&config, "gpt-4o", "local"), Some(0));
    assert_eq!(input(&config, "gpt-4o", "openai"), Some(2_500_000));
    let then = UNIX_EPOCH + Duration::from_secs(1_577_836_799);
    assert_eq!(
        config.quota.prices.of("gpt-4o", Some("openai"), then).unwrap().cost(&usage(1_000_000, 0)),
        5_000_000
    );
    let text = config.describe();
    for line in [
        "price * at local: input 0, output 0 USD for a million tokens",
        "price gpt-4o: input 5, output 15 USD for a million tokens, until 2020-01-01",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
}

#[test]
fn a_model_may_have_its_price_with_it_and_it_comes_before_the_list() {
    let config = parsed(
        r#"
        [[model]]
        name = "team-chat"
        aliases = ["assistant"]
        to = ["openai"]
        price = { input = 0.15, output = 0.6, from = 2020-01-01 }
        [[price]]
        models = ["*"]
        input = 9
        output = 9
        "#,
    )
    .unwrap();
    assert_eq!(input(&config, "team-chat", "openai"), Some(150_000));
    assert_eq!(input(&config, "assistant", "openai"), Some(150_000));
    assert_eq!(input(&config, "gpt-4o", "openai"), Some(9_000_000));
}

#[test]
fn a_price_that_cannot_be_meant_is_refused() {
    for (written, said) in [
        ("input = -1\noutput = 1", "price of \"m\": input: -1 is less than nothing"),
        ("input = -0.5\noutput = 1", "input: -0.5 is less than nothing"),
        ("input = 1", "price of \"m\": output: write what a million tokens cost in US dollars, such as 2.5"),
        ("input = 0.0000025\noutput = 1", "more than 6 decimal places"),
        ("input = 0.000003\noutput = 1", "prices are for a million tokens, not for one"),
        ("input = 1\noutput = 1000001", "prices are for a million tokens, not for one"),
        ("input = nan\noutput = 1", "input: NaN is too large"),
        ("input = \"2,5\"\noutput = 1", "\"2,5\" is not a number such as 12.5"),
        ("input = 1\noutput = 1\nreasoning = true", "reasoning: true is not a number"),
        ("input = 1\noutput = 1\nupstream = \"opnai\"", "upstream: there is no [[upstream]] named \"opnai\""),
        ("input = 1\noutput = 1\nfrom = \"May\"", "from: \"May\" is neither a date"),
        (
            "input = 1\noutput = 1\nfrom = 2026-05-01\nuntil = 2026-05-01",
            "until: 2026-05-01 is not after 2026-05-01",
        ),
        ("input = 1\noutput = 1\ncached = 1", "price.cached: unknown setting; did you mean"),
    ] {
        let error = refused(&format!("[[price]]\nmodels = \"m\"\n{written}"));
        assert!(error.contains(said), "{written}: {error}");
    }
    for (written, said) in [
        ("[[price]]\ninput = 1\noutput = 1", "price number 1: models: write the names"),
        ("[[price]]\nmodels = []\ninput = 1\noutput = 1", "price.models: an empty list"),
        ("[[price]]\nmodels = [\"\"]\ninput = 1\noutput = 1", "models: "),
        (
            "[[model]]\nname = \"m\"\nto = [\"openai\"]\nprice = { input = 1 }",
            "model \"m\": price: output: write",
        ),
        (
            "[[model]]\nname = \"m\"\nto = [\"openai\"]\nprice = { inptu = 1 }",
            "model.price.inptu: unknown setting; did you mean \"input\"",
        ),
    ] {
        let error = refused(written);
        assert!(error.contains(said), "{written}: {error}");
    }
}

#[test]
fn a_limit_on_money_without_any_price_is_refused_unless_it_refuses_nothing() {
    let error = refused(MONEY);
    assert!(
        error.contains("quota \"money\": usd: there are no prices") && error.contains("[[price]]"),
        "{error}"
    );
    for harmless in ["unpriced = \"free\"\n", "action = \"shadow\"\n"] {
        let config = parsed(&format!("{MONEY}{harmless}")).unwrap();
        assert_eq!(config.quota.warnings, ["quota \"money\": there are no prices, so nothing is counted"]);
        assert!(config.describe().contains("# warning: quota \"money\": there are no prices"));
    }
    // Of two limits one that refuses is enough.
    let other = "[[quota]]\nid = \"other\"\nusd = \"5/day\"\nunpriced = \"free\"\n";
    assert!(refused(&format!("{other}{MONEY}")).contains("quota \"money\""));
}

#[test]
fn models_without_a_price_are_named_where_money_is_limited() {
    let file = r#"
        [[model]]
        name = "gpt-4*"
        to = ["openai"]
        [[model]]
        name = "team-chat"
        to = [{ upstream = "openai", model = "gpt-4o-mini" }, { upstream = "local", model = "llama3" }]
        [[price]]
        models = ["gpt-4o*"]
        input = 1
        output = 1
    "#;
    assert!(parsed(file).unwrap().quota.warnings.is_empty(), "nobody needs prices");
    let warned = parsed(&format!("{file}{MONEY}")).unwrap().quota.warnings;
    assert_eq!(
        warned,
        [
            "model gpt-4*: not every name it goes by has a price at openai; where a limit counts usd, such calls are refused, or free if the limit says so",
            "model team-chat: not every name it goes by has a price at local; where a limit counts usd, such calls are refused, or free if the limit says so"
        ]
    );
    let over = "[[price]]\nmodels = \"*\"\nuntil = 2020-01-01\ninput = 1\noutput = 1\n";
    assert_eq!(
        parsed(&format!("{file}{MONEY}{over}")).unwrap().quota.warnings,
        warned,
        "a price of the past is none"
    );
    let free = "[[price]]\nmodels = \"*\"\nupstream = \"local\"\ninput = 0\noutput = 0\n";
    let all = "[[price]]\nmodels = \"gpt-4*\"\ninput = 30\noutput = 60\n";
    assert!(parsed(&format!("{file}{MONEY}{free}{all}")).unwrap().quota.warnings.is_empty());
}
