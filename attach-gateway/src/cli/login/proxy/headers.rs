use http::header::{
    AUTHORIZATION, CONNECTION, COOKIE, EXPECT, HOST, HeaderMap, HeaderName, HeaderValue, ORIGIN,
    PROXY_AUTHENTICATE, PROXY_AUTHORIZATION, REFERER, TE, TRAILER, TRANSFER_ENCODING, UPGRADE,
};

/// What is between two neighbours (RFC 9110 §7.6.1).
const HOP: [HeaderName; 9] = [
    CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    PROXY_AUTHENTICATE,
    PROXY_AUTHORIZATION,
    TE,
    TRAILER,
    TRANSFER_ENCODING,
    UPGRADE,
];

/// Where programs put the key they insist on having: the gateway refuses two credentials, and this one is none.
const CREDENTIALS: [HeaderName; 3] =
    [AUTHORIZATION, HeaderName::from_static("x-api-key"), HeaderName::from_static("api-key")];

/// What was for the forwarder and is none of the gateway's business.
const OURS: [HeaderName; 5] = [HOST, ORIGIN, REFERER, COOKIE, EXPECT];

/// What the gateway is told: what the program says, with the bearer in the place of its credential.
pub(super) fn request(headers: &mut HeaderMap, bearer: HeaderValue) {
    drop_hops(headers);
    for name in CREDENTIALS.iter().chain(&OURS) {
        headers.remove(name);
    }
    headers.insert(AUTHORIZATION, bearer);
}

/// What the program is told.
pub(super) fn response(headers: &mut HeaderMap) {
    drop_hops(headers);
}

fn drop_hops(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = headers
        .get_all(CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|list| list.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .collect();
    for name in HOP.iter().chain(&named) {
        headers.remove(name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bearer_takes_the_place_of_every_other_credential() {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("authorization", "Bearer ollama"),
            ("x-api-key", "x"),
            ("host", "localhost:11435"),
            ("connection", "close, x-hop"),
            ("x-hop", "1"),
            ("content-type", "application/json"),
        ] {
            headers.append(name, HeaderValue::from_static(value));
        }
        request(&mut headers, HeaderValue::from_static("Bearer t"));
        assert_eq!(headers.len(), 2, "{headers:?}");
        assert_eq!(headers["authorization"], "Bearer t");
        assert_eq!(headers["content-type"], "application/json");
    }
}
