use attach_core::{Api, Dialect};
use http::Method;
use http::request::Parts;

/// Every path the gateway answers behind its door. Everything else is 404.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Route {
    /// A call of a model.
    Call(Api),
    /// The models the caller may use, in the dialect's shape.
    Models(Dialect),
    /// One of them.
    Model(Dialect, Box<str>),
    /// Ollama's version.
    Version,
}

impl Route {
    pub(super) fn of(parts: &Parts) -> Option<Self> {
        let path = parts.uri.path();
        if let Some(api) = Api::of(&parts.method, path) {
            return Some(Self::Call(api));
        }
        if parts.method != Method::GET {
            return None;
        }
        match path {
            "/v1/models" => Some(Self::Models(Dialect::of(path, &parts.headers))),
            "/api/tags" => Some(Self::Models(Dialect::Ollama)),
            "/api/version" => Some(Self::Version),
            _ => {
                let model = path.strip_prefix("/v1/models/")?;
                let plain = !model.is_empty() && !model.contains(['%', '?', '#']);
                plain.then(|| Self::Model(Dialect::of(path, &parts.headers), model.into()))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn route(method: Method, path: &str) -> Option<Route> {
        let (parts, ()) = http::Request::builder().method(method).uri(path).body(()).unwrap().into_parts();
        Route::of(&parts)
    }

    #[test]
    fn only_what_is_listed_is_there() {
        assert_eq!(route(Method::GET, "/v1/models"), Some(Route::Models(Dialect::OpenAi)));
        assert_eq!(
            route(Method::GET, "/v1/models/org/name"),
            Some(Route::Model(Dialect::OpenAi, "org/name".into()))
        );
        for (method, path) in [
            (Method::DELETE, "/api/delete"),
            (Method::POST, "/api/pull"),
            (Method::POST, "/v1/files"),
            (Method::GET, "/v1/chat/completions"),
            (Method::GET, "/v1/models/"),
            (Method::GET, "/metrics"),
        ] {
            assert_eq!(route(method, path), None, "{path}");
        }
    }
}
