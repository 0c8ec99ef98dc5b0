use serde_json::json;

use super::{HEADER, by};
use crate::support::{Signer, b64};

fn with_header(header: impl AsRef<[u8]>) -> &'static str {
    let signer = Signer::es256("k");
    by(&signer.jwk(), &signer.raw(header, "payload"))
}

#[test]
fn members_that_mean_nothing_to_us_may_be_anything() {
    for value in ["1", "-0.5e3", "null", "true", "{}", "[]", r#"{"a":[{"alg":"none"}]}"#, r#""text""#] {
        let header =
            format!(r#"{{"alg":"ES256","kid":"k","x":{value},"ALG":{value},"jku":{value},"jwk":{value}}}"#);
        assert_eq!(with_header(header), "ok", "{value}");
    }
}

#[test]
fn the_spelling_of_json_is_free_where_json_leaves_it_free() {
    for header in [
        " {\t\"alg\" : \"ES256\" ,\r\n\"kid\":\"k\" } \n",
        r#"{"\u0061lg":"\u0045S256","kid":"\u006b"}"#,
        r#"{"alg":"ES256"}"#,
        r#"{"kid":"k","typ":"anything","cty":"text","alg":"ES256"}"#,
    ] {
        assert_eq!(with_header(header), "ok", "{header}");
    }
}

#[test]
fn what_is_no_json_object_is_no_header() {
    for header in [
        r#"{"alg":"ES256","kid":"k",}"#,
        r#"{"alg":"ES256","kid":"k"}}"#,
        r#"{"alg":"ES256","kid":"k"}{}"#,
        r#"{"alg":"ES256","kid":"k"} x"#,
        r#"{'alg':'ES256'}"#,
        r#"{alg:"ES256"}"#,
        r#"{"alg":"ES256",/**/"kid":"k"}"#,
        r#"{"alg":"ES256","x":01}"#,
        r#"{"alg":"ES256","x":NaN}"#,
        r#"{"alg":"ES256","x":"\x"}"#,
        r#"{"alg":"ES256","x":"\ud800"}"#,
        "{\"alg\":\"ES256\",\"x\":\"\u{1}\"}",
        "\u{feff}{\"alg\":\"ES256\"}",
        r#"["ES256"]"#,
        r#""ES256""#,
        "null",
        "{",
    ] {
        assert_eq!(with_header(header), "malformed_header", "{header}");
    }
    assert_eq!(with_header(b"{\"alg\":\"ES256\",\"x\":\"\xff\"}"), "malformed_header");
    assert_eq!(
        with_header(format!(r#"{{"alg":"ES256","x":{}{}}}"#, "[".repeat(80), "]".repeat(80))),
        "malformed_header"
    );
    assert_eq!(with_header(""), "malformed");
}

#[test]
fn no_member_is_there_twice_however_it_is_spelled() {
    for header in [
        r#"{"alg":"ES256","kid":"k","alg":"ES256"}"#,
        r#"{"alg":"ES256","kid":"k","\u0061lg":"none"}"#,
        r#"{"alg":"ES256","kid":"a","kid":"k"}"#,
        r#"{"alg":"ES256","kid":"k","x":1,"x":1}"#,
        r#"{"alg":"ES256","kid":"k","x":{"y":1,"y":2}}"#,
    ] {
        assert_eq!(with_header(header), "malformed_header", "{header}");
    }
}

#[test]
fn members_that_mean_something_have_their_types() {
    for member in ["alg", "kid", "typ", "cty"] {
        for value in [json!(null), json!(1), json!(true), json!([]), json!(["ES256"]), json!({"a": 1})] {
            let mut header = json!({"alg": "ES256", "kid": "k"});
            header[member] = value;
            assert_eq!(with_header(header.to_string()), "malformed_header", "{header}");
        }
    }
    assert_eq!(with_header(r#"{"kid":"k"}"#), "malformed_header");
}

#[test]
fn an_algorithm_is_spelled_exactly_and_signs_asymmetrically() {
    for alg in [
        "",
        "none",
        "None",
        "NONE",
        "nOnE",
        "none ",
        "\u{0}",
        "es256",
        "Es256",
        "ES256 ",
        " ES256",
        "ES256\u{0}",
        "HS256",
        "HS384",
        "HS512",
        "ES256K",
        "Ed25519",
        "Ed448",
        "RS1",
        "dir",
        "A128KW",
        "RSA-OAEP",
        "SHA256withECDSA",
    ] {
        assert_eq!(with_header(json!({"alg": alg, "kid": "k"}).to_string()), "alg_not_allowed", "{alg:?}");
    }
}

#[test]
fn every_extension_is_one_too_many() {
    for crit in [
        json!(["x"]),
        json!(["b64"]),
        json!(["exp"]),
        json!(["alg"]),
        json!(["kid"]),
        json!([]),
        json!([[]]),
        json!([1]),
        json!("x"),
        json!(""),
        json!(1),
        json!(null),
        json!({}),
        json!(false),
        json!(["x", "x"]),
        json!(["http://x/y"]),
    ] {
        let header = json!({"alg": "ES256", "kid": "k", "crit": crit, "x": 1, "b64": null});
        assert_eq!(with_header(header.to_string()), "crit", "{header}");
    }
    for b64 in [json!(false), json!(true), json!("false"), json!(null)] {
        assert_eq!(with_header(json!({"alg": "ES256", "kid": "k", "b64": b64}).to_string()), "crit");
    }
    assert_eq!(with_header(r#"{"alg":"ES256","kid":"k","zip":"DEF"}"#), "malformed_header");
    assert_eq!(with_header(r#"{"alg":"ES256","kid":"k","enc":"A256GCM"}"#), "jwe_unsupported");
}

#[test]
fn three_parts_of_strict_base64url_and_nothing_around_them() {
    let signer = Signer::es256("k");
    let jwk = signer.jwk();
    let good = signer.raw(HEADER, "payload?>");
    assert_eq!(by(&jwk, &good), "ok");
    let parts: Vec<&str> = good.split('.').collect();
    let [header, payload, signature] = parts[..] else { panic!("three parts") };
    for bad in [
        String::new(),
        header.to_owned(),
        format!("{header}.{payload}"),
        format!(".{payload}.{signature}"),
        format!("{good}."),
        format!(".{good}"),
        format!("{good}.{signature}"),
        format!(" {good}"),
        format!("{good} "),
        format!("{good}\n"),
        format!("{good}\0"),
        format!("{good}="),
        format!("{header}=.{payload}.{signature}"),
        format!("{header}.{payload}=.{signature}"),
        format!("{header}\n.{payload}.{signature}"),
        format!("{header}.{payload}.{}/{}", &signature[..8], &signature[9..]),
        format!("{header}.{payload}.{}+{}", &signature[..8], &signature[9..]),
        format!("{header}.{payload}.{}é", &signature[..84]),
        format!(r#"{{"protected":"{header}","payload":"{payload}","signature":"{signature}"}}"#),
    ] {
        assert_eq!(by(&jwk, &bad), "malformed", "{bad}");
    }
    assert_eq!(by(&jwk, &format!("{good}..")), "jwe_unsupported");
    assert_eq!(by(&jwk, &format!("{header}..{signature}")), "signature");
    assert_eq!(by(&jwk, &format!("{header}.{payload}.")), "signature");
}

/// `eyJ…fQ` and `eyJ…fR` decode alike where bits that mean nothing are let pass, and are two tokens to a cache.
#[test]
fn bits_that_mean_nothing_are_zero() {
    let signer = Signer::es256("k");
    let jwk = signer.jwk();
    for payload in ["a", "aa"] {
        let good = signer.raw(r#"{"alg":"ES256","kid":"k","x":1}"#, payload);
        assert_eq!(by(&jwk, &good), "ok");
        let parts: Vec<&str> = good.split('.').collect();
        for (at, part) in parts.iter().enumerate().filter(|(_, part)| part.len() % 4 != 0) {
            let last = part.chars().last().expect("is not empty");
            let mut other = parts.clone();
            let next = char::from_u32(last as u32 + 1).filter(char::is_ascii_alphanumeric).unwrap_or('B');
            let spelled = format!("{}{next}", &part[..part.len() - 1]);
            other[at] = &spelled;
            assert_eq!(by(&jwk, &other.join(".")), "malformed", "{part} {spelled}");
        }
    }
    assert_eq!(by(&jwk, &signer.raw(HEADER, "")), "ok", "an empty payload is one");
}

#[test]
fn a_token_is_no_longer_than_it_may_be() {
    let signer = Signer::es256("k");
    let fixed = signer.raw(HEADER, "").len();
    let longest = (16 * 1024 - fixed) / 4 * 3;
    assert_eq!(by(&signer.jwk(), &signer.raw(HEADER, "x".repeat(longest))), "ok");
    assert_eq!(by(&signer.jwk(), &signer.raw(HEADER, "x".repeat(longest + 4))), "too_large");
    assert_eq!(by(&signer.jwk(), &format!("{}.", b64(HEADER)).repeat(2_000)), "too_large");
}
