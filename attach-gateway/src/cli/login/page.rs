use bytes::Bytes;
use http::header::{
    CACHE_CONTROL, CONNECTION, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderValue, REFERRER_POLICY,
};
use http::{Response, StatusCode};
use http_body_util::Full;

/// What the person's browser shows at the end. Nothing in it comes from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Page {
    /// Somebody is logged in.
    Done,
    /// Nobody is; the terminal says why.
    Failed,
    /// Not the answer that is waited for.
    Unexpected,
    /// Another address than the redirect URI's.
    NotFound,
}

impl Page {
    pub(super) fn response(self) -> Response<Full<Bytes>> {
        let (status, text) = match self {
            Self::Done => (StatusCode::OK, "You are logged in. You may close this window."),
            Self::Failed => (StatusCode::BAD_REQUEST, "The login failed. The terminal says why."),
            Self::Unexpected => {
                (StatusCode::BAD_REQUEST, "This is not the answer to a login that is under way.")
            }
            Self::NotFound => (StatusCode::NOT_FOUND, "There is nothing here."),
        };
        let html = format!("<!doctype html><meta charset=utf-8><title>Attach</title><p>{text}</p>\n");
        let mut response = Response::new(Full::new(Bytes::from(html)));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(CONNECTION, HeaderValue::from_static("close"));
        // The address holds the code: no script may run, and no other server may learn it.
        headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'"));
        headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
        response
    }
}
