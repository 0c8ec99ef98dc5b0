use http::{HeaderMap, Method, Uri};

use super::SignatureInput;

/// What of a request can be signed.
pub(crate) struct Message<'a> {
    pub(crate) method: &'a Method,
    pub(crate) uri: &'a Uri,
    pub(crate) headers: &'a HeaderMap,
}

impl Message<'_> {
    /// A component's value (RFC 9421 §2.1, §2.2); `None` if there is none, or we do not know the component.
    fn value(&self, component: &str) -> Option<String> {
        match component {
            "@method" => Some(self.method.as_str().to_owned()),
            "@path" => Some(self.uri.path().to_owned()),
            "@query" => Some(format!("?{}", self.uri.query().unwrap_or_default())),
            "@authority" => self.authority(),
            name if name.starts_with('@') || name.bytes().any(|byte| byte.is_ascii_uppercase()) => None,
            name => self.field(name),
        }
    }

    /// Of the request's target, else of `Host`; in lower case.
    fn authority(&self) -> Option<String> {
        let target = self.uri.authority().map(ToString::to_string);
        Some(target.or_else(|| self.field("host"))?.to_ascii_lowercase())
    }

    /// A field's lines, combined.
    pub(crate) fn field(&self, name: &str) -> Option<String> {
        let lines = self.headers.get_all(name).iter().map(|line| line.to_str().ok().map(str::trim));
        let lines: Vec<&str> = lines.collect::<Option<_>>()?;
        (!lines.is_empty()).then(|| lines.join(", "))
    }
}

/// The bytes that were signed (RFC 9421 §2.5); `None` if a component has no value here.
pub(crate) fn base(input: &SignatureInput<'_>, message: &Message<'_>) -> Option<Vec<u8>> {
    let mut base = String::new();
    for component in &input.components {
        let value = message.value(component)?;
        base.push_str(&format!("\"{component}\": {value}\n"));
    }
    base.push_str("\"@signature-params\": ");
    base.push_str(input.params);
    Some(base.into_bytes())
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

    use super::*;
    use crate::delegation::SigningKey;

    /// The request of RFC 9421, appendix B.2.
    fn request() -> http::Request<()> {
        http::Request::post("/foo?param=Value&Pet=dog")
            .header("host", "example.com")
            .header("date", "Tue, 20 Apr 2021 02:07:55 GMT")
            .header("content-type", "application/json")
            .header("content-length", "18")
            .body(())
            .unwrap()
    }

    fn signed(request: &http::Request<()>, params: &str) -> String {
        let components = params.split(['(', ')']).nth(1).unwrap();
        let components = components.split(' ').map(|component| component.trim_matches('"')).collect();
        let input = SignatureInput {
            label: "s",
            components,
            params,
            created: 0,
            expires: None,
            nonce: "",
            keyid: "",
            alg: "",
        };
        let message = Message { method: request.method(), uri: request.uri(), headers: request.headers() };
        String::from_utf8(base(&input, &message).unwrap()).unwrap()
    }

    #[test]
    fn the_hmac_of_rfc_9421_b_2_5() {
        let params = r#"("date" "@authority" "content-type");created=1618884473;keyid="test-shared-secret""#;
        let base = signed(&request(), params);
        let expected = "\"date\": Tue, 20 Apr 2021 02:07:55 GMT\n\"@authority\": example.com\n\
                        \"content-type\": application/json\n\"@signature-params\": ";
        assert_eq!(base, format!("{expected}{params}"));
        let secret =
            "uzvJfB4u3N0Jy4T7NZ75MDVcr8zSTInedJtkgcu46YW4XByzNJjxBdtjUkdJPBtbmHhIDi6pcl8jsasjlTMtDQ==";
        let key = SigningKey::hmac_sha256("test-shared-secret", &STANDARD.decode(secret).unwrap()).unwrap();
        let signature = STANDARD.decode("pxcQw6G3AjtMBQjwo8XzkZf/bws5LelbaMk5rGIGtE8=").unwrap();
        assert!(key.verifies(base.as_bytes(), &signature));
        assert!(!key.verifies(b"another", &signature));
        assert!(!key.verifies(base.as_bytes(), &signature[..31]));
        assert!(!key.verifies(base.as_bytes(), &[]));
    }

    #[test]
    fn the_ed25519_of_rfc_9421_b_2_6() {
        let params = concat!(
            r#"("date" "@method" "@path" "@authority" "content-type" "content-length")"#,
            r#";created=1618884473;keyid="test-key-ed25519""#
        );
        let base = signed(&request(), params);
        let public = URL_SAFE_NO_PAD.decode("JrQLj5P_89iXES9-vFgrIy29clF9CC_oPPsw3c5D0bs").unwrap();
        let key = SigningKey::ed25519("test-key-ed25519", &public).unwrap();
        let signature =
            "wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCw==";
        let signature = STANDARD.decode(signature).unwrap();
        assert!(key.verifies(base.as_bytes(), &signature));
        assert!(!key.verifies(b"another", &signature));
    }

    #[test]
    fn components_we_do_not_know_have_no_value() {
        let request = request();
        let message = Message { method: request.method(), uri: request.uri(), headers: request.headers() };
        for unknown in ["@status", "@target-uri", "@signature-params", "Date", "x-absent", ""] {
            assert_eq!(message.value(unknown), None, "{unknown}");
        }
        assert_eq!(message.value("@query").as_deref(), Some("?param=Value&Pet=dog"));
    }
}
