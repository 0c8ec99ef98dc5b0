//! AWS Signature Version 4, for requests without a query.
//!
//! Source: [Create a signed AWS API request](https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html).
//! The crate `aws-sigv4` would bring some forty others and ask for a newer compiler than this workspace does.

use std::fmt::Write as _;

use bytes::Bytes;
use hmac::{Hmac, KeyInit, Mac};
use http::header::{AUTHORIZATION, HOST, HeaderName, HeaderValue};
use http::{HeaderMap, Request, Uri};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::AccessKey;
use crate::Fault;

const ALGORITHM: &str = "AWS4-HMAC-SHA256";
const DATE: HeaderName = HeaderName::from_static("x-amz-date");
const TOKEN: HeaderName = HeaderName::from_static("x-amz-security-token");

/// Signs for one service in one region, at one time: `20150830T123600Z`.
pub(super) struct Signer<'a> {
    pub(super) key: &'a AccessKey,
    pub(super) region: &'a str,
    pub(super) service: &'a str,
    pub(super) time: String,
}

/// The time as signatures have it.
pub(super) fn now() -> String {
    jiff::Timestamp::now().strftime("%Y%m%dT%H%M%SZ").to_string()
}

impl Signer<'_> {
    /// Signs `request`: its method, its path, all of its headers and its body.
    pub(super) fn sign(&self, request: &mut Request<Bytes>) -> Result<(), Fault> {
        let host = host(request.uri()).and_then(|host| HeaderValue::try_from(host).ok());
        let host = host.ok_or_else(|| Fault::new("the endpoint has no host"))?;
        request.headers_mut().insert(HOST, host);
        request.headers_mut().insert(DATE, value(&self.time)?);
        if let Some(token) = &self.key.token {
            let mut token = value(token)?;
            token.set_sensitive(true);
            request.headers_mut().insert(TOKEN, token);
        }
        let authorization = self.authorization(request)?;
        request.headers_mut().insert(AUTHORIZATION, value(&authorization)?);
        Ok(())
    }

    fn authorization(&self, request: &Request<Bytes>) -> Result<String, Fault> {
        let (names, canonical) = canonical(request)?;
        let day = self.time.get(..8).ok_or_else(|| Fault::new("no day to sign for"))?;
        let scope = format!("{day}/{}/{}/aws4_request", self.region, self.service);
        let to_sign =
            format!("{ALGORITHM}\n{}\n{scope}\n{}", self.time, hex(&Sha256::digest(canonical.as_bytes())));
        let secret = Zeroizing::new(format!("AWS4{}", self.key.secret.as_str()));
        let mut key = mac(secret.as_bytes(), day)?;
        for part in [self.region, self.service, "aws4_request"] {
            key = mac(&*key, part)?;
        }
        let signature = hex(&*mac(&*key, &to_sign)?);
        let id = &self.key.id;
        Ok(format!("{ALGORITHM} Credential={id}/{scope}, SignedHeaders={names}, Signature={signature}"))
    }
}

/// The names of the headers, and the request as it is hashed.
fn canonical(request: &Request<Bytes>) -> Result<(String, String), Fault> {
    let mut names: Vec<&str> = request.headers().keys().map(HeaderName::as_str).collect();
    names.sort_unstable();
    let mut headers = String::new();
    for name in &names {
        let _ = writeln!(headers, "{name}:{}", joined(request.headers(), name)?);
    }
    let names = names.join(";");
    let path = encoded(request.uri().path(), "/");
    let body = hex(&Sha256::digest(request.body()));
    let canonical = format!("{}\n{path}\n\n{headers}\n{names}\n{body}", request.method());
    Ok((names, canonical))
}

/// The values of a header, with single spaces, between commas.
fn joined(headers: &HeaderMap, name: &str) -> Result<String, Fault> {
    let values = headers.get_all(name).iter().map(|value| {
        let value = value.to_str().map_err(|_| Fault::new("a header that cannot be signed"))?;
        Ok(value.split_ascii_whitespace().collect::<Vec<_>>().join(" "))
    });
    Ok(values.collect::<Result<Vec<_>, Fault>>()?.join(","))
}

/// The host as clients send it: without the port that is the scheme's own.
fn host(uri: &Uri) -> Option<String> {
    let own = if uri.scheme_str() == Some("http") { 80 } else { 443 };
    let host = uri.host()?;
    Some(match uri.port_u16().filter(|port| *port != own) {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    })
}

/// Percent-encodes all but RFC 3986's unreserved characters and those `kept`. Paths are signed encoded once more than
/// they are sent.
pub(super) fn encoded(text: &str, kept: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) || kept.as_bytes().contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

fn mac(key: &[u8], text: &str) -> Result<Zeroizing<[u8; 32]>, Fault> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).map_err(|_| Fault::new("a key that cannot sign"))?;
    mac.update(text.as_bytes());
    Ok(Zeroizing::new(mac.finalize().into_bytes().into()))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

fn value(text: &str) -> Result<HeaderValue, Fault> {
    HeaderValue::try_from(text).map_err(|_| Fault::new("an access key that no header can have"))
}

/// Vectors of AWS's own test suite, `aws-sig-v4-test-suite`, kept today in `awslabs/aws-c-auth`.
#[cfg(test)]
mod tests {
    use super::*;

    const URL: &str = "https://example.amazonaws.com/";

    fn signed(key: &AccessKey, method: &str, headers: &[(&str, &str)], body: &'static str) -> String {
        let mut request = Request::builder().method(method).uri(URL);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut request = request.body(Bytes::from(body)).unwrap();
        let time = "20150830T123600Z".to_owned();
        Signer { key, region: "us-east-1", service: "service", time }.sign(&mut request).unwrap();
        request.headers()[AUTHORIZATION].to_str().unwrap().to_owned()
    }

    fn expected(names: &str, signature: &str) -> String {
        format!(
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, \
             SignedHeaders={names}, Signature={signature}"
        )
    }

    fn key() -> AccessKey {
        AccessKey::new("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
    }

    #[test]
    fn get_vanilla_and_post_vanilla() {
        let get = "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31";
        assert_eq!(signed(&key(), "GET", &[], ""), expected("host;x-amz-date", get));
        let post = "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b";
        assert_eq!(signed(&key(), "POST", &[], ""), expected("host;x-amz-date", post));
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
        assert_eq!(signed(&key(), "POST", &headers, "Param1=value1"), expected(names, signature));
    }

    #[test]
    fn values_lose_their_superfluous_spaces() {
        let headers = [("My-Header1", " value1"), ("My-Header2", " \"a   b   c\"")];
        let signature = "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736";
        let names = "host;my-header1;my-header2;x-amz-date";
        assert_eq!(signed(&key(), "GET", &headers, ""), expected(names, signature));
    }

    #[test]
    fn a_path_is_signed_encoded_twice_and_a_port_only_if_it_is_odd() {
        assert_eq!(encoded("/documents%20and%20settings/", "/"), "/documents%2520and%2520settings/");
        let host = |uri: &str| host(&uri.parse().unwrap()).unwrap();
        assert_eq!(host("https://x.example:443/"), "x.example");
        assert_eq!(host("http://127.0.0.1:8080/"), "127.0.0.1:8080");
    }

    #[test]
    fn a_session_token_is_sent_and_signed() {
        let token = "AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpSPfIeoIYRqTflfKD8YUuwthAx7mSEI/qkPpKPi/kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZampKsburEDy0KPkyQDYwT7WZ0wq5VSXDvp75YU9HFvlRd8Tx6q6fE8YQcHNVXAkiY9q6d+xo0rKwT38xVqr7ZD0u0iPPkUL64lIZbqBAz+scqKmlzm8FDrypNC9Yjc8fPOLn9FX9KSYvKTr4rvx3iSIlTJabIQwj2ICCR/oLxBA==";
        let signature = "85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead";
        let names = "host;x-amz-date;x-amz-security-token";
        assert_eq!(signed(&key().session_token(token), "POST", &[], ""), expected(names, signature));
    }
}
