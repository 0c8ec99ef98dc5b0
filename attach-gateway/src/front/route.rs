use attach_auth::keys::OwnKeys;
use attach_core::call::ModelName;
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
    /// The models that an Ollama server has in memory.
    Running,
    /// Ollama's version.
    Version,
    /// The caller's own gateway keys, where there are any.
    Keys,
    /// Who the caller is, and what is left to them; whether it was asked by the right method is said there.
    Me(Method),
}

impl Route {
    pub(super) fn of(parts: &Parts) -> Option<Self> {
        let path = parts.uri.path();
        if let Some(api) = Api::of(&parts.method, path) {
            return Some(Self::Call(api));
        }
        if path.strip_prefix(OwnKeys::PATH).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')) {
            return Some(Self::Keys);
        }
        if path == super::ME {
            return Some(Self::Me(parts.method.clone()));
        }
        if parts.method != Method::GET {
            return None;
        }
        match path {
            "/v1/models" => Some(Self::Models(Dialect::of(path, &parts.headers))),
            "/api/tags" => Some(Self::Models(Dialect::Ollama)),
            "/api/ps" => Some(Self::Running),
            "/api/version" => Some(Self::Version),
            _ => Some(Self::Model(Dialect::of(path, &parts.headers), shown(path)?.into())),
        }
    }

    /// The methods that `path` answers to; none, if nothing is there.
    pub(super) fn methods(path: &str) -> &'static [Method] {
        if Api::of(&Method::POST, path).is_some() {
            return &[Method::POST];
        }
        let asked = matches!(path, "/v1/models" | "/api/tags" | "/api/version") || shown(path).is_some();
        if asked { &[Method::GET] } else { &[] }
    }
}

/// The model whose description is at `path`.
fn shown(path: &str) -> Option<String> {
    let model = unescaped(path.strip_prefix("/v1/models/")?)?;
    ModelName::parse(&model).ok()?;
    Some(model)
}

/// Undoes percent-encoding; `None` if it is none, or hides something that is not text.
fn unescaped(text: &str) -> Option<String> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        out.push(if byte == b'%' {
            let digit =
                |byte: Option<u8>| char::from(byte?).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
            digit(bytes.next())? << 4 | digit(bytes.next())?
        } else {
            byte
        });
    }
    String::from_utf8(out).ok()
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
        assert_eq!(
            route(Method::GET, "/v1/models/org%2Fname"),
            Some(Route::Model(Dialect::OpenAi, "org/name".into()))
        );
        assert_eq!(route(Method::GET, "/api/ps"), Some(Route::Running));
        assert_eq!(route(Method::POST, "/v1/attach/me"), Some(Route::Me(Method::POST)));
        for (method, path) in [
            (Method::GET, "/v1/attach/me/"),
            (Method::GET, "/v1/models/%"),
            (Method::GET, "/v1/models/%ff"),
            (Method::GET, "/v1/models/a%0Ab"),
            (Method::GET, "/v1/models/..%2fadmin"),
            (Method::DELETE, "/api/delete"),
            (Method::POST, "/api/pull"),
            (Method::POST, "/v1/files"),
            (Method::GET, "/v1/chat/completions"),
            (Method::GET, "/v1/models/"),
            (Method::GET, "/metrics"),
        ] {
            assert_eq!(route(method, path), None, "{path}");
        }
        for (path, methods) in [
            ("/v1/chat/completions", &[Method::POST][..]),
            ("/v1/models", &[Method::GET]),
            ("/v1/models/a%2Fb", &[Method::GET]),
            ("/v1/models/..%2fadmin", &[]),
            ("/v1/chat/completions/", &[]),
            ("/metrics", &[]),
        ] {
            assert_eq!(Route::methods(path), methods, "{path}");
        }
    }
}
