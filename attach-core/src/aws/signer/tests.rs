//! Vectors of AWS's own test suite, `aws-sig-v4-test-suite`, kept today in `awslabs/aws-c-auth`.

use std::time::Duration;

use http::header::AUTHORIZATION;

use super::*;

const URL: &str = "https://example.amazonaws.com/";

/// 2015-08-30T12:36:00Z, the suite's own time.
fn then() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_440_938_160)
}

fn key() -> AccessKey {
    AccessKey::new("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
}

fn signed(key: &AccessKey, (method, url): (&str, &str), headers: &[(&str, &str)], body: &str) -> String {
    let headers = headers.iter().map(|(name, value)| {
        (HeaderName::from_bytes(name.as_bytes()).unwrap(), HeaderValue::from_str(value).unwrap())
    });
    let request = Unsigned {
        method: &method.parse().unwrap(),
        uri: &url.parse().unwrap(),
        headers: &headers.collect(),
        content: Content::Bytes(body.as_bytes()),
    };
    let signature = Signer::new("us-east-1", "service").sign(&request, key, then()).unwrap();
    assert!(signature[AUTHORIZATION].is_sensitive());
    signature[AUTHORIZATION].to_str().unwrap().to_owned()
}

fn expected(names: &str, signature: &str) -> String {
    format!(
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, \
         SignedHeaders={names}, Signature={signature}"
    )
}

#[test]
fn get_vanilla_and_post_vanilla() {
    let get = "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31";
    assert_eq!(signed(&key(), ("GET", URL), &[], ""), expected("host;x-amz-date", get));
    let post = "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b";
    assert_eq!(signed(&key(), ("POST", URL), &[], ""), expected("host;x-amz-date", post));
}

#[test]
fn post_x_www_form_urlencoded_signs_the_body() {
    let headers = [
        ("Content-Type", "application/x-www-form-urlencoded"),
        ("Content-Length", "13"),
        ("x-amz-content-sha256", "9095672bbd1f56dfc5b65f3e153adc8731a4a654192329106275f4c7b24d0b6e"),
    ];
    let names = "content-length;content-type;host;x-amz-content-sha256;x-amz-date";
    let signature = "d3875051da38690788ef43de4db0d8f280229d82040bfac253562e56c3f20e0b";
    assert_eq!(signed(&key(), ("POST", URL), &headers, "Param1=value1"), expected(names, signature));
}

#[test]
fn values_lose_their_superfluous_spaces() {
    let headers = [("My-Header1", " value1"), ("My-Header2", " \"a   b   c\"")];
    let signature = "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736";
    let names = "host;my-header1;my-header2;x-amz-date";
    assert_eq!(signed(&key(), ("GET", URL), &headers, ""), expected(names, signature));
}

#[test]
fn a_session_token_is_sent_and_signed() {
    let token = "AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpSPfIeoIYRqTflfKD8YUuwthAx7mSEI/qkPpKPi/kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZampKsburEDy0KPkyQDYwT7WZ0wq5VSXDvp75YU9HFvlRd8Tx6q6fE8YQcHNVXAkiY9q6d+xo0rKwT38xVqr7ZD0u0iPPkUL64lIZbqBAz+scqKmlzm8FDrypNC9Yjc8fPOLn9FX9KSYvKTr4rvx3iSIlTJabIQwj2ICCR/oLxBA==";
    let signature = "85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead";
    let names = "host;x-amz-date;x-amz-security-token";
    assert_eq!(signed(&key().session_token(token), ("POST", URL), &[], ""), expected(names, signature));
}

/// Worked out from the suite's rules with another implementation of them: the path is encoded once more than it is sent,
/// and an odd port is part of the host.
#[test]
fn a_path_is_signed_encoded_twice_unless_it_is_storage() {
    let url = "http://127.0.0.1:8080/documents%20and%20settings/a%3Ab";
    let twice = signed(&key(), ("GET", url), &[], "");
    assert!(twice.ends_with("7944e4ca9264b0dac00f86609c73b424d4f2716a9056e34933d2dd16de34ced8"), "{twice}");
    let request = Unsigned {
        method: &Method::GET,
        uri: &url.parse().unwrap(),
        headers: &HeaderMap::new(),
        content: Content::Sha256("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
    };
    let signature = Signer::new("us-east-1", "s3").storage().sign(&request, &key(), then()).unwrap();
    assert_eq!(signature["x-amz-content-sha256"].len(), 64);
    let once = signature[AUTHORIZATION].to_str().unwrap();
    assert!(once.ends_with("b647ed079fdad49526e8d506dc3b00d3c8e7d6f767a9b8f1e08eefa9e49266a5"), "{once}");
}
