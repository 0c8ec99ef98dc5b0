//! Claims that two readers would read differently, and audiences that are not ours.

use serde_json::json;

use super::Recipe;
use super::shot::Shot;
use crate::support::{AUDIENCE, claims, claims_with};

pub(super) const RECIPES: &[Recipe] = &[
    ("claim-dup-exp", || twice(&[r#","exp":1}"#]).into_iter().chain(before(r#"{"exp":1,"#)).collect()),
    ("claim-dup-sub", || twice(&[r#","sub":"bob"}"#, r#","s\u0075b":"bob"}"#, r#","sub":"alice"}"#])),
    ("claim-dup-groups", || twice(&[r#","groups":["a"],"groups":["admins"]}"#])),
    ("claim-dup-nested", || twice(&[r#","realm_access":{"roles":["a"],"roles":["admin"]}}"#])),
    ("aud-array", || vec![Shot::claims(json!({"aud": ["other", AUDIENCE]}))]),
    ("aud-missing", || vec![Shot::payload(claims_with(json!({"aud": null})).to_string())]),
    ("aud-types", aud_types),
    ("aud-prefix", aud_prefix),
];

fn twice(more: &[&str]) -> Vec<Shot> {
    let good = claims().to_string();
    let good = good.strip_suffix('}').expect("an object");
    more.iter().map(|more| Shot::payload(format!("{good}{more}"))).collect()
}

fn before(more: &str) -> Vec<Shot> {
    let good = claims().to_string();
    vec![Shot::payload(format!("{more}{}", good.strip_prefix('{').expect("an object")))]
}

fn aud_types() -> Vec<Shot> {
    let auds = [
        json!(5),
        json!(null),
        json!([]),
        json!(["evil", 1]),
        json!({}),
        json!([AUDIENCE, 1]),
        json!([[AUDIENCE]]),
    ];
    auds.map(|aud| {
        let mut claims = claims();
        claims["aud"] = aud;
        Shot::payload(claims.to_string())
    })
    .into()
}

fn aud_prefix() -> Vec<Shot> {
    let auds = [
        "api://gw/",
        "API://GW",
        "api://gw.evil.test",
        "api://gw evil",
        "api://g",
        "",
        " api://gw",
        "api://gw\0",
    ];
    auds.map(|aud| Shot::claims(json!({"aud": aud}))).into()
}

#[tokio::test]
async fn claims_have_one_meaning_and_are_for_us() {
    super::send(RECIPES).await;
}
