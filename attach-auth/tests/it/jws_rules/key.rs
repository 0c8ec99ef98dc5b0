use serde_json::{Value, json};

use super::{HEADER, by, bytes, with};
use crate::support::{Signer, b64};

const UNUSABLE: &str = "jwks_no_usable_key";

fn es256(changes: Value) -> &'static str {
    let signer = Signer::es256("k");
    by(&with(signer.jwk(), changes), &signer.raw(HEADER, "payload"))
}

fn rsa(changes: Value) -> &'static str {
    let signer = Signer::rsa("k", "RS256");
    by(&with(signer.jwk(), changes), &signer.raw(r#"{"alg":"RS256","kid":"k"}"#, "payload"))
}

fn ed25519(changes: Value) -> &'static str {
    let signer = Signer::ed25519("k");
    by(&with(signer.jwk(), changes), &signer.raw(r#"{"alg":"EdDSA","kid":"k"}"#, "payload"))
}

#[test]
fn a_key_is_for_verification_or_does_not_say() {
    for changes in [
        json!({"use": null}),
        json!({"use": null, "key_ops": ["verify"]}),
        json!({"use": null, "key_ops": ["sign", "verify"]}),
        json!({"key_ops": ["verify"]}),
        json!({"x5c": ["MIIB"], "x5t": "x", "x5u": "https://evil.test", "iat": 1, "exp": null}),
    ] {
        assert_eq!(es256(changes.clone()), "ok", "{changes}");
    }
    for changes in [
        json!({"use": "enc"}),
        json!({"use": "SIG"}),
        json!({"use": "sig "}),
        json!({"use": ""}),
        json!({"use": ["sig"]}),
        json!({"use": "enc", "key_ops": ["verify"]}),
        json!({"use": "sig", "key_ops": ["encrypt"]}),
        json!({"use": null, "key_ops": []}),
        json!({"use": null, "key_ops": ["sign"]}),
        json!({"use": null, "key_ops": "verify"}),
        json!({"use": null, "key_ops": ["Verify"]}),
        json!({"use": null, "key_ops": {"verify": true}}),
        json!({"use": null, "key_ops": [["verify"]]}),
        json!({"use": null, "key_ops": ["deriveKey", "wrapKey"]}),
    ] {
        assert_eq!(es256(changes.clone()), UNUSABLE, "{changes}");
    }
    let signer = Signer::es256("k");
    let mut jwk = signer.jwk();
    (jwk["use"], jwk["key_ops"]) = (json!(null), json!(["verify"]));
    assert_eq!(by(&jwk, &signer.raw(HEADER, "")), UNUSABLE, "null is no use");
}

#[test]
fn a_keys_algorithm_is_the_headers() {
    assert_eq!(es256(json!({"alg": null})), "ok");
    assert_eq!(rsa(json!({"alg": null})), "ok");
    for alg in ["RS384", "RS512", "PS256"] {
        assert_eq!(rsa(json!({"alg": alg})), "alg_key_mismatch", "{alg}");
    }
    for alg in [
        json!("HS256"),
        json!("none"),
        json!("rs256"),
        json!("RSA-OAEP"),
        json!("ES256"),
        json!(["RS256"]),
        json!(1),
    ] {
        assert_eq!(rsa(json!({"alg": alg})), UNUSABLE, "{alg}");
    }
    for alg in ["ES384", "ES512", "RS256", "EdDSA", "ES256K"] {
        assert_eq!(es256(json!({"alg": alg})), UNUSABLE, "{alg}");
    }
}

#[test]
fn a_kind_and_a_curve_are_spelled_exactly() {
    for changes in [
        json!({"kty": "ec"}),
        json!({"kty": "RSA"}),
        json!({"kty": "OKP"}),
        json!({"kty": ["EC"]}),
        json!({"kty": null}),
    ] {
        assert_eq!(es256(changes.clone()), UNUSABLE, "{changes}");
    }
    for crv in [
        json!("p-256"),
        json!("P-384"),
        json!("P-521"),
        json!("secp256r1"),
        json!("secp256k1"),
        json!("P-256K"),
        json!(null),
        json!(256),
    ] {
        assert_eq!(es256(json!({"crv": crv})), UNUSABLE, "{crv}");
        // A member that is null is not the same as one that is missing.
        let signer = Signer::es256("k");
        let mut jwk = signer.jwk();
        jwk["crv"] = crv;
        assert_eq!(by(&jwk, &signer.raw(HEADER, "")), UNUSABLE);
    }
    for crv in ["Ed448", "X25519", "ed25519", "P-256"] {
        assert_eq!(ed25519(json!({"crv": crv})), UNUSABLE, "{crv}");
    }
}

#[test]
fn a_point_is_on_its_curve_in_its_one_spelling() {
    for signer in [Signer::es256("k"), Signer::es384("k"), Signer::es512("k")] {
        let jwk = signer.jwk();
        let token = signer.raw(json!({"alg": signer.alg, "kid": "k"}).to_string(), "payload");
        let (x, y) = (bytes(&jwk, "x"), bytes(&jwk, "y"));
        let mut off = y.clone();
        off[10] ^= 1;
        let longer = [&[0], x.as_slice()].concat();
        let (zero, high) = (vec![0; x.len()], vec![0xff; x.len()]);
        for changes in [
            json!({"y": b64(off)}),
            json!({"x": b64(&y), "y": b64(&x)}),
            json!({"x": b64(&zero), "y": b64(&zero)}),
            json!({"x": b64(&high)}),
            json!({"x": b64(&longer)}),
            json!({"x": b64(&x[1..])}),
            json!({"x": b64(&x[..x.len() - 1])}),
            json!({"x": "", "y": ""}),
            json!({"x": null}),
            json!({"y": null}),
            json!({"x": format!("{}=", b64(&x))}),
            json!({"x": [1, 2, 3]}),
        ] {
            assert_eq!(by(&with(jwk.clone(), changes.clone()), &token), UNUSABLE, "{} {changes}", signer.alg);
        }
        assert_eq!(by(&jwk, &token), "ok");
    }
}

/// RFC 7518 §6.2.1.2: the coordinate keeps the zeros it begins with.
#[test]
fn a_coordinate_that_begins_with_zero_keeps_it() {
    let signer = std::iter::repeat_with(|| Signer::es256("k"))
        .find(|signer| bytes(&signer.jwk(), "x")[0] == 0)
        .expect("one in 256 does");
    let (jwk, token) = (signer.jwk(), signer.raw(HEADER, "payload"));
    assert_eq!(by(&jwk, &token), "ok");
    let cut = with(jwk.clone(), json!({"x": b64(&bytes(&jwk, "x")[1..])}));
    assert_eq!(by(&cut, &token), UNUSABLE);
}

#[test]
fn an_rsa_key_is_neither_too_small_nor_too_easy() {
    let modulus = |bytes: usize| {
        let mut modulus = vec![0x5a; bytes];
        (modulus[0], modulus[bytes - 1]) = (0xc1, 0x0d);
        modulus
    };
    let key = |n: &[u8], e: &[u8]| {
        let jwk = json!({"kty": "RSA", "kid": "k", "n": b64(n), "e": b64(e)});
        by(&jwk, &Signer::rsa("k", "RS256").raw(r#"{"alg":"RS256","kid":"k"}"#, ""))
    };
    for size in [256, 384, 512, 1024] {
        assert_eq!(key(&modulus(size), &[1, 0, 1]), "signature", "{size} bytes are fine");
    }
    let mut short = modulus(256);
    short[0] = 0x7f;
    for n in [modulus(64), modulus(128), modulus(255), short, modulus(1025), vec![], vec![0; 256]] {
        assert_eq!(key(&n, &[1, 0, 1]), UNUSABLE, "{} bytes", n.len());
    }
    let mut even = modulus(256);
    even[255] = 0x0c;
    assert_eq!(key(&even, &[1, 0, 1]), UNUSABLE);
    assert_eq!(key(&modulus(256), &[3]), "signature", "3 is small, but a valid exponent");
    for e in [&[][..], &[0], &[1], &[2], &[4], &[1, 0, 0], &[0, 0, 1]] {
        assert_eq!(key(&modulus(256), e), UNUSABLE, "{e:?}");
    }
    assert_eq!(key(&modulus(256), &[0xff; 256]), "signature", "found out when it is used");
    assert_eq!(rsa(json!({"n": null})), UNUSABLE);
    assert_eq!(rsa(json!({"e": 65537})), UNUSABLE);
    assert_eq!(rsa(json!({"e": "AQAB="})), UNUSABLE);
    let n = bytes(&Signer::rsa("k", "RS256").jwk(), "n");
    assert_eq!(
        rsa(json!({"n": b64([&[0], n.as_slice()].concat()), "e": "AAEAAQ"})),
        "ok",
        "as some providers write it"
    );
}

#[test]
fn an_ed25519_key_is_a_point_of_large_order_in_its_one_spelling() {
    let point = |hex: &str| -> Vec<u8> {
        (0..64).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).expect("hex")).collect()
    };
    let end = "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffff";
    for hex in [
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0000000000000000000000000000000000000000000000000000000000000080",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000080",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
        // From p - 1 to the highest number that fits: -1, and every second spelling of 0 to 18.
        &format!("ec{end}ff7f"),
        &format!("ed{end}ff7f"),
        &format!("ee{end}ffff"),
        &format!("f0{end}ff7f"),
        &format!("ff{end}ffff"),
    ] {
        assert_eq!(ed25519(json!({"x": b64(point(hex))})), UNUSABLE, "{hex}");
    }
    for bytes in [0, 31, 33, 57] {
        assert_eq!(ed25519(json!({"x": b64(vec![7; bytes])})), UNUSABLE, "{bytes}");
    }
    let off_curve = point("0200000000000000000000000000000000000000000000000000000000000000");
    assert_eq!(ed25519(json!({"x": b64(off_curve)})), "signature", "found out when it is used");
    assert_eq!(ed25519(json!({"y": "x", "alg": null})), "ok");
}
