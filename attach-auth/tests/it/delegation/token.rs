//! A front end that passes its user's own token.

use serde_json::json;

use super::call::web_ui;
use crate::support::NOW;

#[tokio::test]
async fn the_caller_is_the_token_s_person_with_the_token_s_groups_and_without_assurance() {
    let gateway = web_ui(|it| it);
    let token = gateway.person_token("alice");
    let direct = gateway.verifier().verify(&token).await.expect("is good");
    assert!(direct.assurance.acr.is_some(), "there is something to lose");
    let known = gateway.learned(gateway.call().on_behalf_of(&token)).await;
    assert_eq!(
        (&known["id"], &known["proof"], &known["actor"]),
        (&json!("alice"), &json!("delegated"), &json!("open-webui"))
    );
    assert_eq!((&known["groups"], &known["issued_at"]), (&json!(["eng"]), &json!(NOW)));
    assert_eq!((&known["acr"], &known["amr"]), (&json!(null), &json!([])));
    assert_eq!(known["headers"], json!([]), "nothing of it goes further");
}

#[tokio::test]
async fn a_bad_token_is_refused_as_itself_and_the_message_says_whose_it_is() {
    let gateway = web_ui(|it| it);
    let expired = gateway.token(json!({"exp": NOW - 100, "iat": NOW - 200}));
    let answer = gateway.send(gateway.call().on_behalf_of(&expired)).await;
    assert_eq!((answer.status, answer.code().as_str()), (401, "token_expired"));
    assert!(answer.body.contains("X-Attach-On-Behalf-Of"), "{}", answer.body);
    let other = gateway.token(json!({"aud": "other"}));
    assert_eq!(
        gateway.refusal(gateway.call().on_behalf_of(&other)).await,
        (401, "wrong_audience".to_owned())
    );
}

#[tokio::test]
async fn only_people_of_its_directories_can_be_spoken_for() {
    let gateway = web_ui(|it| it);
    for token in [gateway.own_token(), gateway.token(json!({"sub": "batch", "client_id": "batch"}))] {
        let refusal = gateway.refusal(gateway.call().on_behalf_of(&token)).await;
        assert_eq!(refusal, (403, "delegation_not_allowed".to_owned()));
    }
    let gateway = web_ui(|it| it.directories(["partner"]));
    let refusal = gateway.refusal(gateway.call().on_behalf_of(&gateway.person_token("alice"))).await;
    assert_eq!(refusal, (403, "delegation_not_allowed".to_owned()));
}

#[tokio::test]
async fn two_tokens_are_one_too_many() {
    let gateway = web_ui(|it| it);
    let token = gateway.person_token("alice");
    let twice = gateway.call().on_behalf_of(&token).on_behalf_of(&token);
    assert_eq!(gateway.refusal(twice).await, (400, "delegation_malformed".to_owned()));
}
