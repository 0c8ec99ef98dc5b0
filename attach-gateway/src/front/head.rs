//! What is wrong with a request's head, whoever sent it.

use attach_core::Rejection;
use http::header::{ALLOW, CONNECTION, CONTENT_TYPE, HeaderMap, HeaderValue, UPGRADE};
use http::request::Parts;
use http::{Method, StatusCode};

use crate::server::Ambiguous;

/// Refuses what two servers would read differently, and what no server here speaks.
pub(crate) fn check(parts: &Parts) -> Result<(), Rejection> {
    if parts.extensions.get::<Ambiguous>().is_some() {
        let message = "Content-Length and Transfer-Encoding say two different things about the body";
        let refusal = Rejection::bad_request("ambiguous_framing", message);
        return Err(refusal.with_header(CONNECTION, HeaderValue::from_static("close")));
    }
    if matches!(parts.method, Method::TRACE | Method::CONNECT) {
        return Err(not_allowed(&[Method::GET, Method::HEAD, Method::POST]));
    }
    let websocket = |value: &HeaderValue| {
        value
            .to_str()
            .is_ok_and(|text| text.split(',').any(|word| word.trim().eq_ignore_ascii_case("websocket")))
    };
    if parts.headers.get_all(UPGRADE).iter().any(websocket) {
        let message = "there is nothing at this path that speaks WebSocket";
        return Err(Rejection::new(StatusCode::NOT_FOUND, "not_found", message));
    }
    Ok(())
}

/// 405, with the methods that would do.
pub(super) fn not_allowed(methods: &[Method]) -> Rejection {
    let names: Vec<&str> = methods.iter().map(Method::as_str).collect();
    let refusal = Rejection::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "method_not_allowed",
        "this path does not answer to this method",
    );
    match HeaderValue::from_str(&names.join(", ")) {
        Ok(names) => refusal.with_header(ALLOW, names),
        Err(_) => refusal,
    }
}

/// Whether the body may be JSON in UTF-8. `curl -d` says that it sends a form, and some clients say nothing.
pub(super) fn content_type(headers: &HeaderMap) -> Result<(), Rejection> {
    let mut said = headers.get_all(CONTENT_TYPE).iter();
    let Some(first) = said.next() else { return Ok(()) };
    if said.next().is_some() {
        let message = "the request has more than one Content-Type";
        return Err(Rejection::bad_request("ambiguous_content_type", message));
    }
    let unsupported = || {
        let message = "the request body must be JSON";
        Rejection::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_content_type", message)
    };
    let text = first.to_str().map_err(|_| unsupported())?;
    let mut parts = text.split(';').map(str::trim);
    let kind = parts.next().unwrap_or_default().to_ascii_lowercase();
    let plain = ["application/json", "text/json", "text/plain", "application/x-www-form-urlencoded", ""];
    let json = kind.strip_prefix("application/").is_some_and(|kind| kind.ends_with("+json"));
    let known = json || plain.contains(&kind.as_str());
    if !known {
        return Err(unsupported());
    }
    let charset = || {
        let message = "the request body must be in UTF-8";
        Rejection::bad_request("unsupported_charset", message)
    };
    for parameter in parts {
        let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        let value = value.trim().trim_matches('"');
        let utf8 = ["utf-8", "utf8", "us-ascii"].iter().any(|known| value.eq_ignore_ascii_case(known));
        if name.trim().eq_ignore_ascii_case("charset") && !utf8 {
            return Err(charset());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(types: &[&'static str]) -> u16 {
        let mut headers = HeaderMap::new();
        for one in types {
            headers.append(CONTENT_TYPE, HeaderValue::from_static(one));
        }
        content_type(&headers).map_or_else(|refusal| refusal.status().as_u16(), |()| 200)
    }

    #[test]
    fn what_may_be_json_is_read_as_json() {
        for one in [
            "application/json",
            "Application/JSON; charset=UTF-8",
            "text/plain",
            "application/x-www-form-urlencoded",
            "application/vnd.api+json",
            "application/json; charset=\"utf-8\"",
        ] {
            assert_eq!(status(&[one]), 200, "{one}");
        }
        assert_eq!(status(&[]), 200);
    }

    #[test]
    fn what_is_something_else_is_refused() {
        for one in [
            "multipart/form-data; boundary=x",
            "application/xml",
            "application/octet-stream",
            "text/event-stream",
        ] {
            assert_eq!(status(&[one]), 415, "{one}");
        }
        for one in ["application/json; charset=utf-7", "text/plain;charset=\"shift_jis\""] {
            assert_eq!(status(&[one]), 400, "{one}");
        }
        assert_eq!(status(&["application/json", "application/json"]), 400);
    }

    #[test]
    fn nobody_speaks_websocket() {
        let upgrade = |value: &str| {
            let request = http::Request::get("/v1/models").header(UPGRADE, value).body(());
            check(&request.unwrap().into_parts().0).err().map(|refusal| refusal.status().as_u16())
        };
        assert_eq!(upgrade("websocket"), Some(404));
        assert_eq!(upgrade("h2c, WebSocket"), Some(404));
        assert_eq!(upgrade("h2c"), None, "Java's client offers it with every request");
    }
}
