use attach_core::json::Value;
use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// The SHA-256 thumbprint of a public key (RFC 7638 §3), in base64url.
///
/// Of a key that was found good before: its members are names and base64url, with nothing to escape.
pub(super) fn thumbprint(jwk: Value<'_>) -> Option<String> {
    let kty = jwk.get("kty")?.as_str()?;
    let members: &[&str] = match &*kty {
        "EC" => &["crv", "kty", "x", "y"],
        "OKP" => &["crv", "kty", "x"],
        "RSA" => &["e", "kty", "n"],
        _ => return None,
    };
    let texts = members.iter().map(|name| Some(format!("\"{name}\":\"{}\"", jwk.get(name)?.as_str()?)));
    let canonical = format!("{{{}}}", texts.collect::<Option<Vec<_>>>()?.join(","));
    Some(URL_SAFE_NO_PAD.encode(digest(&SHA256, canonical.as_bytes())))
}

#[cfg(test)]
mod tests {
    use attach_core::json::Document;

    use super::*;

    fn of(json: &str) -> String {
        thumbprint(Document::parse(json.as_bytes().to_vec().into()).unwrap().root()).unwrap()
    }

    #[test]
    fn the_thumbprints_of_rfc_7638_and_rfc_8037() {
        let n = "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCi\
                 FV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7\
                 d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-c\
                 sFCur-kEgU8awapJzKnqDKgw";
        let rsa = format!(
            "{{\"kty\":\"RSA\",\"n\":\"{n}\",\"e\":\"AQAB\",\"alg\":\"RS256\",\"kid\":\"2011-04-29\"}}"
        );
        assert_eq!(of(&rsa), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
        let okp = r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
        assert_eq!(of(okp), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    }
}
