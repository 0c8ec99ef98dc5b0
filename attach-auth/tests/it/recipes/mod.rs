//! Attacks on access tokens, each sent over a real connection to a service behind both layers: the status, the
//! challenge and the reason in the audit trail have to be the recipe's.
//!
//! `attack_recipes.jsonl` has what each recipe expects. A shot that has to come out otherwise says why.

mod algorithms;
mod claims;
mod credentials;
mod fixture;
mod issuers;
mod keys;
mod kinds;
mod lengths;
mod people;
mod shot;
mod site;
mod times;

use self::shot::Shot;

/// A recipe and what it sends.
type Recipe = (&'static str, fn() -> Vec<Shot>);

const SENT: [&[Recipe]; 9] = [
    algorithms::RECIPES,
    claims::RECIPES,
    credentials::RECIPES,
    issuers::RECIPES,
    keys::RECIPES,
    kinds::RECIPES,
    lengths::RECIPES,
    people::RECIPES,
    times::RECIPES,
];

/// Recipes that need more than a request or two: the file, below `tests/it`, and the test that follows them. A place
/// without a file is one that comes with what it is about.
const ELSEWHERE: &[(&str, &str, &str)] = &[
    ("clock-back", "recipes/times.rs", "tokens_follow_the_wall_clock_and_keys_do_not"),
    ("email-multi-at", "recipes/people.rs", "an_e_mail_address_gives_no_right_and_names_nobody"),
    ("jwks-10k", "key_life/mod.rs", "of_very_many_keys_the_first_hundred_count"),
    ("jwks-down-cold", "key_life/mod.rs", "a_provider_down_at_start_is_a_503_and_recovers"),
    ("jwks-down-warm", "key_life/mod.rs", "known_keys_outlive_the_provider_for_a_day"),
    ("jwks-slow", "key_life/mod.rs", "where_a_timer_runs_no_caller_waits_for_the_provider"),
    ("jwks-html", "key_life/mod.rs", "whatever_is_no_key_set_counts_as_down"),
    ("disc-issuer-mismatch", "key_life/discovery.rs", "a_document_that_names_another_issuer_is_refused"),
    ("rotate-overlap", "key_life/mod.rs", "a_new_key_is_fetched_when_its_first_token_comes"),
    ("rotate-stampede", "key_life/mod.rs", "a_stampede_is_one_fetch"),
    ("unknown-kid-flood", "key_life/mod.rs", "a_flood_of_unknown_keys_is_one_fetch_in_ten_seconds"),
    (
        "rotate-removed",
        "key_life/mod.rs",
        "a_withdrawn_key_is_refused_after_a_refresh_also_for_remembered_tokens",
    ),
    ("jwks-redirect", "key_life/sockets.rs", "whatever_a_provider_does_the_keys_it_once_had_go_on"),
    (
        "jwks-tls",
        "../../../attach-gateway/tests/it/authority.rs",
        "an_issuer_with_an_authority_of_its_own_is_believed_where_that_is_configured",
    ),
    (
        "introspect-inactive",
        "introspection.rs",
        "an_inactive_token_is_a_401_and_is_not_asked_about_again_at_once",
    ),
    ("introspect-down", "introspection.rs", "no_answer_is_a_503_and_never_a_401"),
    (
        "revoked-jti",
        "revocation/subjects.rs",
        "a_token_that_was_good_is_refused_at_once_whatever_it_is_known_by",
    ),
    ("revoked-iat", "revocation/subjects.rs", "what_is_issued_after_the_event_is_accepted"),
    ("dpop-bad", "dpop.rs", "a_proof_is_for_this_request_this_token_now_and_once"),
    ("dpop-nonce", "dpop.rs", "a_nonce_of_ours_is_asked_for_and_told"),
];

async fn send(recipes: &[Recipe]) {
    for (id, shots) in recipes {
        let expected = fixture::expected(id);
        for shot in shots() {
            shot.check(&expected).await;
        }
    }
}

#[test]
fn every_recipe_is_followed_once() {
    let mut known: Vec<&str> = SENT.iter().copied().flatten().map(|(id, _)| *id).collect();
    known.extend(ELSEWHERE.iter().map(|(id, ..)| *id));
    let mut recipes = fixture::ids();
    known.sort_unstable();
    recipes.sort();
    assert_eq!(known, recipes);
    assert_eq!(recipes.len(), 104);
}

#[test]
fn what_is_followed_elsewhere_is_there() {
    for (id, file, test) in ELSEWHERE.iter().filter(|(_, file, _)| !file.is_empty()) {
        let path = format!("{}/tests/it/{file}", env!("CARGO_MANIFEST_DIR"));
        let text = std::fs::read_to_string(&path).expect("a file of tests");
        assert!(text.contains(&format!("fn {test}(")), "{id}: no {test} in {file}");
    }
}
