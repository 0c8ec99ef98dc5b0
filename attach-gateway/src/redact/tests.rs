use crate::config::Config;

const HEAD: &str = "issuer = [{ issuer = \"https://idp.example.com\", audience = [\"api\"] }]\n\
                    upstream = [{ name = \"a\", kind = \"openai\", url = \"https://api.openai.com\" }]\n\
                    [redact]\nkey = { env = \"KEY\" }\n";

fn config(redact: &str) -> Result<Config, crate::config::ConfigError> {
    Config::parse(&format!("{HEAD}{redact}"), |name| (name == "KEY").then(|| "0123456789abcdef".into()))
}

/// The entities found in `text`.
fn found(redact: &str, text: &str) -> Vec<String> {
    let redactor = super::build(&config(redact).expect("makes sense").redact);
    let redactor = redactor.expect("can be built").expect("is on");
    redactor.find(text).iter().map(|finding| finding.entity.to_string()).collect()
}

fn refusal(redact: &str) -> String {
    let built = config(redact).and_then(|config| super::build(&config.redact));
    built.expect_err("refused").to_string()
}

fn described(redact: &str) -> String {
    config(redact).expect("makes sense").describe()
}

#[test]
fn numbers_are_known_as_they_are_written_in_the_countries_that_are_listed() {
    let (zurich, san_francisco) = ("044 668 18 00", "(415) 555-2671");
    assert_eq!(found("regions = [\"CH\"]", zurich), ["PHONE_NUMBER"]);
    assert!(found("regions = [\"CH\"]", san_francisco).is_empty());
    assert_eq!(found("", san_francisco), ["PHONE_NUMBER"]);
    assert!(found("regions = []", san_francisco).is_empty());
    assert_eq!(found("regions = []", "+1 415 555 2671"), ["PHONE_NUMBER"]);
    assert!(refusal("regions = [\"UK\"]").contains("redact.regions: \"UK\""));
    assert!(
        described("regions = [\"CH\", \"AT\"]").contains("redact PHONE_NUMBER: as written at home in CH, AT")
    );
}

#[test]
fn a_check_digit_is_enough_where_no_context_is_asked_for() {
    let number = "943 476 5919";
    assert!(found("regions = []", number).is_empty());
    let alone = "regions = []\n[redact.entities]\nUK_NHS = { context = false }";
    assert_eq!(found(alone, number), ["UK_NHS"]);
    assert!(found(alone, "943 476 5918").is_empty(), "its check digit is wrong");
    assert!(found(&alone.replace("false", "true"), number).is_empty());
    assert!(described(alone).contains("redact UK_NHS: from a score of 0.3 on"));
    let both = "[redact.entities]\nUK_NHS = { context = false, threshold = 0.5 }";
    assert!(refusal(both).contains("redact.entities.UK_NHS: context = false"));
}

#[test]
fn a_weak_pattern_needs_one_of_its_words() {
    let badge = "[[redact.pattern]]\nentity = \"BADGE\"\nregex = '\\b[0-9]{5}\\b'\nscore = 0.2\n\
                 words = [\"employee\", \"badge\"]";
    assert_eq!(found(badge, "Employee no. 40712"), ["BADGE"]);
    assert!(found(badge, "40712 parcels").is_empty());
    assert!(refusal(&badge.replace("0.2", "2.0")).contains("redact.pattern: "));
    assert!(described(badge).contains("pattern \\b[0-9]{5}\\b, scores 0.2, more after employee, badge"));
}

#[test]
fn where_values_do_not_come_back_is_shown() {
    let said = described("external_tools = [\"web_*\"]\nrestore_system = false\ninspect_signed = true");
    assert!(said.contains("redact: no values into calls of web_*"), "{said}");
    assert!(said.contains("redact: values of system prompts are not restored"), "{said}");
    assert!(said.contains("redact: signed thinking is looked at, too"), "{said}");
}

#[test]
fn an_entity_that_nothing_finds_is_misspelt() {
    let why = refusal("[redact.entities]\nUK_NSH = \"block\"");
    assert!(why.contains("redact.entities.UK_NSH") && why.contains("did you mean UK_NHS?"), "{why}");
    let pattern =
        "pattern = [{ entity = \"BADGE\", regex = '\\bB[0-9]{6}\\b' }]\n[redact.entities]\nBADGE = \"block\"";
    assert_eq!(found(pattern, "badge B123456"), ["BADGE"]);
}
