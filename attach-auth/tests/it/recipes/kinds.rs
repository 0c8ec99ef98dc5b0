//! What signs itself as another kind of token, or as one for another bearer, is no access token.

use attach_auth::Preset;
use serde_json::{Value, json};

use super::Recipe;
use super::shot::Shot;
use super::site::Site;
use crate::support::{AUDIENCE, ISSUER, NOW, Signer, b64, claims, claims_with, config_of};

pub(super) const RECIPES: &[Recipe] = &[
    ("hdr-crit", hdr_crit),
    ("hdr-b64", hdr_b64),
    ("hdr-dup", hdr_dup),
    ("hdr-typ-missing", || vec![Shot::header(json!({})), Shot::header(json!({"typ": "JWT"}))]),
    ("hdr-typ-wrong", hdr_typ_wrong),
    ("hdr-cty", hdr_cty),
    ("hdr-zip", || vec![Shot::header(json!({"zip": "DEF"}))]),
    ("id-token-as-at", id_token),
    ("refresh-as-at", refresh_token),
    ("logout-as-at", logout_token),
    ("dpop-as-bearer", || {
        vec![Shot::claims(json!({"cnf": {"jkt": "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"}}))]
    }),
    ("mtls-bound", certificate_bound),
    ("cnf-unknown", cnf_unknown),
];

fn hdr_crit() -> Vec<Shot> {
    vec![
        Shot::header(json!({"crit": ["x"], "x": "text"})),
        Shot::header(json!({"crit": ["x"], "x": 1})),
        Shot::header(json!({"crit": ["x"]})),
        Shot::header(json!({"crit": []})),
        Shot::header(json!({"crit": "x", "x": 1})),
        Shot::header(json!({"crit": null})),
        Shot::header(json!({"crit": ["b64"], "b64": true})),
        Shot::header(json!({"crit": ["exp"]})),
    ]
}

/// RFC 7797: the payload as it is, with and without its dots out of the way.
fn hdr_b64() -> Vec<Shot> {
    let signer = Signer::es256("k");
    let header = b64(json!({"alg": "ES256", "kid": "k", "b64": false, "crit": ["b64"]}).to_string());
    let signature = b64(signer.sign(format!("{header}.{{}}").as_bytes()));
    vec![
        Shot::bearer(Site::of(&[&signer]), &format!("{header}.{{}}.{signature}")),
        Shot::header(json!({"b64": false})),
        Shot::header(json!({"b64": true})),
    ]
}

fn hdr_dup() -> Vec<Shot> {
    let signer = Signer::es256("k");
    let headers = [
        r#"{"alg":"ES256","kid":"k","alg":"none"}"#,
        r#"{"alg":"none","kid":"k","alg":"ES256"}"#,
        r#"{"alg":"ES256","kid":"other","kid":"k"}"#,
        r#"{"alg":"ES256","kid":"k","\u006bid":"k"}"#,
    ];
    headers.map(|header| Shot::bearer(Site::of(&[&signer]), &signer.raw(header, claims().to_string()))).into()
}

fn hdr_typ_wrong() -> Vec<Shot> {
    let kinds = [
        "logout+jwt",
        "secevent+jwt",
        "dpop+jwt",
        "id_token",
        "JWE",
        "global-token-revocation+jwt",
        "entity-statement+jwt",
        "application/logout+jwt",
        "",
    ];
    kinds.map(|typ| Shot::header(json!({"typ": typ}))).into()
}

fn hdr_cty() -> Vec<Shot> {
    let signer = Signer::es256("k");
    let inner = signer.token(&claims());
    let nested = signer.raw(r#"{"alg":"ES256","kid":"k","cty":"JWT"}"#, &inner);
    let header = b64(r#"{"alg":"RSA-OAEP","enc":"A256GCM"}"#);
    let jwe = format!("{header}.{}.{}.{}.{}", b64([1; 256]), b64([2; 12]), b64([3; 64]), b64([4; 16]));
    vec![
        Shot::bearer(Site::of(&[&signer]), &nested),
        Shot::bearer(Site::of(&[&signer]), &jwe),
        Shot::header(json!({"cty": "jwt"})),
        Shot::header(json!({"enc": "A256GCM"})),
    ]
}

/// Also where the service is, as it often is, configured with the client's id as its audience.
fn id_token() -> Vec<Shot> {
    let signer = Signer::es256("k");
    [
        json!({"scope": null, "nonce": "n", "at_hash": "h", "jti": "ID.1"}),
        json!({"scope": null}),
        json!({"scope": null, "azp": AUDIENCE, "c_hash": "h"}),
        json!({"nonce": "n"}),
    ]
    .map(|changes| {
        let header = json!({"alg": "ES256", "kid": "k", "typ": "JWT"});
        Shot::bearer(Site::of(&[&signer]), &signer.token_with(&header, &claims_with(changes)))
    })
    .into()
}

fn keycloak(payload: &Value) -> Shot {
    let signer = Signer::es256("k");
    let site = Site::with(config_of(Preset::Keycloak, ISSUER), &Signer::set(&[&signer]));
    let mut claims = claims();
    for (name, value) in payload.as_object().expect("an object") {
        claims[name] = value.clone();
    }
    Shot::bearer(site, &signer.token_with(&json!({"alg": "ES256", "kid": "k", "typ": "JWT"}), &claims))
}

fn refresh_token() -> Vec<Shot> {
    let opaque = Shot::bearer(Site::of(&[&Signer::es256("k")]), "N2fY0kz3eXbJ5s0mWqOpaqueRefreshToken1")
        .expects(401, "malformed")
        .although("nothing in an opaque token says what it is");
    vec![
        keycloak(&json!({"typ": "Refresh"})),
        keycloak(&json!({"typ": "Offline"})),
        Shot::claims(json!({"typ": "Refresh"})),
        opaque,
    ]
}

fn logout_token() -> Vec<Shot> {
    let signer = Signer::es256("k");
    let event = json!({"http://schemas.openid.net/event/backchannel-logout": {}});
    let logout = json!({
        "iss": ISSUER, "aud": AUDIENCE, "iat": NOW, "exp": NOW + 120, "jti": "1", "sub": "alice", "events": event
    });
    let sent = |typ: &str| {
        Shot::bearer(
            Site::of(&[&signer]),
            &signer.token_with(&json!({"alg": "ES256", "kid": "k", "typ": typ}), &logout),
        )
    };
    let untyped = sent("JWT")
        .expects(401, "not_access_token")
        .although("OpenID Connect Back-Channel Logout §2.4 does not require the `typ`; its `events` tell");
    vec![sent("logout+jwt"), sent("secevent+jwt"), untyped]
}

/// Where no certificate was shown, and where a header of the caller's own claims that one was.
fn certificate_bound() -> Vec<Shot> {
    let signer = Signer::es256("k");
    let mut claims = claims();
    claims["cnf"] = json!({"x5t#S256": "bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg2"});
    let bearer = format!("authorization: Bearer {}", signer.token(&claims));
    let headers = [
        "",
        "\r\nx-forwarded-client-cert: Hash=6f07",
        "\r\nclient-cert: :MIIB:",
        "\r\nx-ssl-client-cert: MIIB",
    ];
    headers.map(|header| Shot::head(Site::of(&[&signer]), "/v1/models", &format!("{bearer}{header}"))).into()
}

fn cnf_unknown() -> Vec<Shot> {
    [json!({"new": "x"}), json!({}), json!(null), json!("x"), json!([])]
        .map(|cnf| {
            let signer = Signer::es256("k");
            let mut claims = claims();
            claims["cnf"] = cnf;
            Shot::bearer(Site::of(&[&signer]), &signer.token(&claims))
        })
        .into()
}

#[tokio::test]
async fn no_other_kind_of_token_is_let_in() {
    super::send(RECIPES).await;
}
