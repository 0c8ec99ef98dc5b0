//! How many credentials came, and where.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::Recipe;
use super::shot::Shot;
use super::site::Site;
use crate::support::{Signer, claims};

pub(super) const RECIPES: &[Recipe] = &[
    ("auth-dup", auth_dup),
    ("auth-two-methods", auth_two_methods),
    ("auth-query", auth_query),
    ("auth-none", || vec![sent(|_| ("/v1/models".into(), "accept: */*".into()))]),
    ("auth-scheme-case", auth_scheme_case),
    ("auth-basic-jwt", auth_basic),
    ("auth-xapikey", auth_key_headers),
];

/// A request made with a token that would do.
fn sent(make: impl Fn(&str) -> (String, String)) -> Shot {
    let signer = Signer::es256("k");
    let (target, lines) = make(&signer.token(&claims()));
    Shot::head(Site::of(&[&signer]), &target, &lines)
}

fn lines(lines: &'static str) -> Shot {
    sent(|token| ("/v1/models".into(), lines.replace("TOKEN", token)))
}

fn auth_dup() -> Vec<Shot> {
    vec![
        lines("authorization: Bearer TOKEN\r\nauthorization: Bearer TOKEN"),
        lines("authorization: Bearer TOKEN\r\nAuthorization: Bearer other"),
        lines("authorization: Basic YTpi\r\nauthorization: Bearer TOKEN"),
        lines("authorization: Bearer TOKEN, Bearer TOKEN"),
        lines("authorization: Bearer TOKEN,"),
        lines("authorization: Bearer TOKEN\r\nx-api-key: sk-other"),
    ]
}

fn auth_two_methods() -> Vec<Shot> {
    let with = |target: &'static str| {
        sent(move |token| (target.replace("TOKEN", token), format!("authorization: Bearer {token}")))
    };
    let posted = {
        let signer = Signer::es256("k");
        let token = signer.token(&claims());
        let body = format!("access_token={token}");
        Shot::raw(
            Site::of(&[&signer]),
            format!(
                "POST /v1/models?access_token={token} HTTP/1.1\r\nhost: gw\r\nconnection: close\r\n\
                 authorization: Bearer {token}\r\ncontent-type: application/x-www-form-urlencoded\r\n\
                 content-length: {}\r\n\r\n{body}",
                body.len()
            ),
        )
    };
    vec![
        posted,
        with("/v1/models?access_token=TOKEN"),
        with("/v1/models?x=1&access%5ftoken=TOKEN"),
        with("/v1/models?access_token"),
    ]
}

fn auth_query() -> Vec<Shot> {
    vec![sent(|token| (format!("/v1/models?access_token={token}"), "accept: */*".into()))]
}

fn auth_scheme_case() -> Vec<Shot> {
    // White space at its end is no part of a header's value (RFC 9110 §5.5): no service sees it.
    let spaced = lines("authorization: Bearer TOKEN \t").expects(200, "ok");
    vec![
        lines("authorization: bearer TOKEN").expects(200, "ok"),
        lines("authorization: BEARER TOKEN").expects(200, "ok"),
        lines("authorization: Bearer\tTOKEN").expects(400, "invalid_request"),
        lines("authorization: Bearer  TOKEN").expects(400, "invalid_request"),
        lines("authorization: Bearer \tTOKEN").expects(400, "invalid_request"),
        spaced,
    ]
}

fn auth_basic() -> Vec<Shot> {
    let basic = sent(|token| {
        ("/v1/models".into(), format!("authorization: Basic {}", STANDARD.encode(format!("user:{token}"))))
    });
    vec![
        basic,
        lines("authorization: TOKEN"),
        lines("authorization: Token TOKEN"),
        lines("authorization: BearerTOKEN"),
    ]
}

fn auth_key_headers() -> Vec<Shot> {
    vec![
        lines("x-api-key: TOKEN"),
        lines("api-key: TOKEN"),
        lines("x-api-key: sk-ant-api03-of-a-provider"),
        lines("api-key: 0123456789abcdef0123456789abcdef"),
        lines("X-API-KEY: TOKEN"),
    ]
}

#[tokio::test]
async fn there_is_one_credential_in_one_place() {
    super::send(RECIPES).await;
}
