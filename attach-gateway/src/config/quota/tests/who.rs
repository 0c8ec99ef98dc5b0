use std::time::{Duration, UNIX_EPOCH};

use attach_core::identity::ClaimPath;
use attach_quota::overrides::Whom;
use attach_quota::{Grant, Limit, Scope};

use super::{limit, parsed, refused};

const PARTNER: &str =
    "[[issuer]]\ndirectory = \"partner\"\nissuer = \"https://idp.partner.example\"\naudience = [\"api\"]\n";

#[test]
fn each_and_shared_say_who_has_a_bucket() {
    for (written, scope) in [
        ("", Scope::User),
        ("each = \"user\"", Scope::User),
        ("each = \"group-member\"\ngroups = [\"eng\"]", Scope::GroupMember),
        ("each = \"group\"\ngroups = [\"eng\"]", Scope::Group),
        ("each = \"client\"", Scope::Client),
        ("each = \"key\"", Scope::Key),
        ("each = \"directory\"", Scope::Directory),
        ("each = \"everyone\"", Scope::Everyone),
        ("each = \"claim:department\"", Scope::Claim(ClaimPath::literal("department"))),
        ("each = \"claim:/org/unit\"", Scope::Claim(ClaimPath::literal("/org/unit"))),
        ("shared = true", Scope::Everyone),
        ("shared = true\ngroups = \"eng\"", Scope::Everyone),
        ("shared = false\neach = \"key\"", Scope::Key),
    ] {
        assert_eq!(*limit(&format!("tokens = \"1/s\"\n{written}")).scope(), scope, "{written}");
    }
    for (written, said) in [
        ("each = \"planet\"", "each: \"planet\" is not one of user, group-member, group, client"),
        ("each = \"claim:\"", "neither the name of a claim nor a JSON pointer"),
        ("each = \"claim:/a//b\"", "neither the name of a claim nor a JSON pointer"),
        ("each = \"group\"", "each: \"group\" needs groups"),
        ("each = \"group-member\"", "each: \"group-member\" needs groups"),
        (
            "shared = true\neach = \"user\"",
            "shared: one bucket for all and one for each user exclude each other",
        ),
    ] {
        let error = refused(&format!("tokens = \"1/s\"\n{written}"));
        assert!(error.contains(said), "{written}: {error}");
    }
}

#[test]
fn only_what_many_share_is_shared_fairly() {
    for written in [
        "shared = true",
        "each = \"everyone\"",
        "each = \"directory\"",
        "each = \"group\"\ngroups = [\"eng\"]",
        "each = \"claim:department\"",
    ] {
        let written = format!("tokens = \"1/s\"\n{written}\nfair =");
        assert!(limit(&format!("{written} true")).is_fair() && !limit(&format!("{written} false")).is_fair());
    }
    for each in ["user", "group-member", "client", "key"] {
        let written = format!("tokens = \"1/s\"\neach = \"{each}\"\ngroups = [\"eng\"]\nfair = true");
        let said = format!("quota \"q\": fair: each {each} has a bucket of their own");
        let error = refused(&written);
        assert!(error.contains(&said), "{error}");
    }
    assert!(refused("tokens = \"1/s\"\nfair = \"yes\"").contains("fair: \"yes\" is neither true nor false"));
}

#[test]
fn a_limit_is_for_whom_and_what_it_says() {
    let narrowed = limit(
        "tokens = \"1/s\"\ngroups = [\"eng\"]\nusers = \"00u1\"\nclient_ids = [\"cli\"]\nkind = \"person\"\n\
         models = [\"gpt-4*\"]\napis = [\"openai.chat\"]\nupstreams = [\"openai\"]",
    );
    let expected = Limit::tokens("q", attach_quota::Rate::per_second(1))
        .groups([attach_core::identity::Group::new("acme", "eng")])
        .users(["00u1"])
        .clients(["cli"])
        .kind(attach_core::identity::Kind::Person)
        .models(["gpt-4*".parse().expect("a pattern")])
        .apis([attach_core::Api::OpenAiChat])
        .upstreams(["openai"]);
    assert_eq!(narrowed, expected);
    for (written, said) in [
        ("kind = \"robot\"", "kind: \"robot\" is neither"),
        ("models = [\"\"]", "models: "),
        ("apis = [\"chat\"]", "apis: \"chat\" is not an API such as openai.chat"),
        ("upstreams = [\"opnai\"]", "upstreams: there is no [[upstream]] named \"opnai\""),
        ("groups = [\"\"]", "groups: an empty name"),
        ("users = \" \"", "users: an empty name"),
        ("models = []", "quota.models: an empty list is no condition"),
        ("groups = []", "quota.groups: an empty list is no condition"),
    ] {
        let error = refused(&format!("tokens = \"1/s\"\n{written}"));
        assert!(error.contains(said), "{written}: {error}");
    }
}

#[test]
fn with_two_directories_groups_and_people_name_theirs() {
    let quota = |rest: &str| parsed(&format!("{PARTNER}[[quota]]\nid = \"q\"\ntokens = \"1/s\"\n{rest}"));
    let said = quota("groups = [\"eng\"]").unwrap_err().to_string();
    assert!(said.contains("quota \"q\": groups:") && said.contains("acme/eng"), "{said}");
    quota("groups = [\"acme/eng\"]").unwrap();
    for (rest, said) in [
        ("user = \"00u1\"", "override 1: directory: which one of acme, partner?"),
        ("user = \"00u1\"\ndirectory = \"acem\"", "no [[issuer]] has the directory \"acem\""),
        ("group = \"eng\"", "override 1: group: group `eng` has to name its directory"),
    ] {
        let error =
            quota(&format!("[[quota.override]]\namount = \"unlimited\"\n{rest}")).unwrap_err().to_string();
        assert!(error.contains(said), "{error}");
    }
    for rest in [
        "user = \"00u1\"\ndirectory = \"partner\"",
        "group = \"partner/eng\"",
        "group = \"eng\"\ndirectory = \"partner\"",
    ] {
        let config = quota(&format!("[[quota.override]]\namount = \"unlimited\"\n{rest}")).unwrap();
        assert_eq!(&*config.quota.overrides[0].directory, "partner");
    }
}

#[test]
fn an_override_gives_another_amount_or_all_of_it_for_a_time() {
    let config = parsed(
        r#"
        [[quota]]
        id = "rate"
        tokens = "60000/min"
        [[quota.override]]
        user = "00u1"
        amount = "120000/min"
        until = 2026-12-31
        [[quota.override]]
        group = "eng"
        amount = "unlimited"
        [[quota]]
        id = "money"
        usd = "5/day"
        [[quota.override]]
        group = "eng"
        amount = "7.5/day"
        [[quota]]
        id = "places"
        concurrent = 8
        [[quota.override]]
        user = "00u1"
        amount = 16
        "#,
    )
    .unwrap();
    let [rate, all, money, places] = config.quota.overrides.as_slice() else {
        panic!("{:?}", config.quota.overrides)
    };
    assert_eq!(
        (&*rate.limit, rate.grant, &rate.whom),
        ("rate", Grant::Amount(120_000), &Whom::User("00u1".into()))
    );
    assert_eq!(rate.until, Some(UNIX_EPOCH + Duration::from_secs(1_798_675_200)));
    assert_eq!((all.grant, &all.whom), (Grant::Unlimited, &Whom::Group("eng".into())));
    assert_eq!((&*money.limit, money.grant), ("money", Grant::Amount(7_500_000)));
    assert_eq!((&*places.limit, places.grant), ("places", Grant::Amount(16)));
    let text = config.describe();
    for line in [
        "quota rate: user 00u1 of acme: 120000 tokens/minute until 2026-12-31",
        "quota rate: members of eng of acme: unlimited",
        "quota money: members of eng of acme: 7.5 USD/day in UTC",
        "quota places: user 00u1 of acme: 16 requests at a time",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
}

#[test]
fn an_override_that_makes_no_sense_says_which_and_why() {
    for (limit, written, said) in [
        (
            "tokens = \"1/s\"",
            "amount = \"unlimited\"",
            "override 1: user: an exception is for one user or for one group",
        ),
        (
            "tokens = \"1/s\"",
            "user = \"a\"\ngroup = \"b\"\namount = \"unlimited\"",
            "for one user or for one group",
        ),
        ("tokens = \"1/s\"", "user = \"a\"", "override 1: amount: say what they get"),
        (
            "tokens = \"1/s\"",
            "user = \"a\"\namount = \"5/min\"",
            "another period than the limit: write it per second",
        ),
        ("tokens = \"1/s\"", "user = \"a\"\namount = 5", "does not say in how much time"),
        ("usd = \"1/month\"", "user = \"a\"\namount = \"5/day\"", "write it per month"),
        (
            "tokens = \"1/s\"",
            "user = \"a\"\namount = \"unlimited\"\nuntil = \"soon\"",
            "override 1: until: \"soon\" is neither",
        ),
        (
            "tokens = \"1/s\"\nshared = true",
            "user = \"a\"\namount = \"5/s\"",
            "many share a bucket of this limit",
        ),
        (
            "tokens = \"1/s\"\neach = \"claim:department\"",
            "group = \"a\"\namount = \"5/s\"",
            "many share a bucket",
        ),
        (
            "tokens = \"1/s\"",
            "user = \"a\"\namont = \"5/s\"",
            "quota.override.amont: unknown setting; did you mean \"amount\"?",
        ),
    ] {
        let error = refused(&format!("{limit}\n[[quota.override]]\n{written}"));
        assert!(error.contains(said), "{written}: {error}");
    }
    let exempt = "tokens = \"1/s\"\nshared = true\n[[quota.override]]\nuser = \"a\"\namount = \"unlimited\"";
    assert_eq!(limit(exempt).id(), "q");
}
