//! JWS cases: most from C2SP Wycheproof (Apache-2.0), others generated for this crate, and RFC 8037's.

use attach_auth::jws::KeySet;
use serde_json::Value;

use crate::support::Signer;

/// The ids of the cases that come out otherwise, and how many there are.
fn differences(cases: &str, tiers: &[&str]) -> (Vec<String>, usize) {
    let mut count = 0;
    let mut wrong = Vec::new();
    for line in cases.lines().filter(|line| !line.trim().is_empty()) {
        let case: Value = serde_json::from_str(line).expect("a case");
        if case.get("tier").is_some_and(|tier| !tiers.contains(&tier.as_str().unwrap_or_default())) {
            continue;
        }
        count += 1;
        let keys = match case.get("jwks") {
            Some(set) => KeySet::parse(set.to_string().as_bytes()),
            None => KeySet::parse_single(case["jwk"].to_string().as_bytes()),
        };
        let jws = case["jws"].as_str().expect("a token");
        let valid = keys.is_ok_and(|keys| keys.verify(jws).is_ok());
        if valid != (case["expect"] == "valid") {
            wrong.push(case["id"].to_string());
        }
    }
    (wrong, count)
}

#[test]
fn the_cases_of_this_crate_come_out_as_they_should() {
    let (wrong, count) = differences(include_str!("jws_cases.jsonl"), &["must", "should", "policy"]);
    assert!(wrong.is_empty(), "{wrong:?}");
    assert!(count > 60, "{count}");
}

/// `ATTACH_JWS_VECTORS` names a file of more cases, one JSON object per line.
#[test]
fn the_cases_of_a_file_come_out_as_they_should() {
    let Ok(path) = std::env::var("ATTACH_JWS_VECTORS") else {
        return;
    };
    let cases = std::fs::read_to_string(path).expect("a readable file");
    let (wrong, count) = differences(&cases, &["must", "should"]);
    let (policy, of) = differences(&cases, &["policy"]);
    println!(
        "must and should: {} of {count} differ; policy: {} of {of} differ: {policy:?}",
        wrong.len(),
        policy.len()
    );
    assert!(wrong.is_empty(), "{wrong:?}");
}

#[test]
fn every_algorithm_verifies_what_it_signed_and_nothing_else() {
    let rsa = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"].map(|alg| Signer::rsa("k", alg));
    let others = [Signer::es256("k"), Signer::es384("k"), Signer::es512("k"), Signer::ed25519("k")];
    for signer in rsa.iter().chain(&others) {
        let token = signer.raw(format!(r#"{{"alg":"{}","kid":"k"}}"#, signer.alg), "payload");
        let keys = KeySet::parse(Signer::set(&[signer]).as_bytes()).expect("a set");
        assert_eq!(keys.verify(&token).expect("is good"), b"payload", "{}", signer.alg);
        let (start, last) = token.split_at(token.len() - 40);
        let forged = format!("{start}{}{}", if last.starts_with('A') { 'B' } else { 'A' }, &last[1..]);
        assert!(keys.verify(&forged).is_err(), "{}", signer.alg);
        for other in rsa.iter().chain(&others).filter(|other| other.alg != signer.alg) {
            let keys = KeySet::parse(Signer::set(&[other]).as_bytes()).expect("a set");
            assert!(keys.verify(&token).is_err(), "{} {}", signer.alg, other.alg);
        }
    }
}
