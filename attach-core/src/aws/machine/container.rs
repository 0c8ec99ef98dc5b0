use std::fmt;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, HeaderValue};
use http::{Request, Uri};

use super::{Env, MachineError, Obtained, address, answer, body, is_loopback, variable};
use crate::Fetch;

/// Where ECS answers.
const ECS: &str = "http://169.254.170.2";

/// The keys of a container.
///
/// Source: [container credential provider](https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html).
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Container {
    uri: Uri,
    token: Token,
}

#[derive(Clone, PartialEq, Eq)]
enum Token {
    None,
    File(PathBuf),
    Text(Box<str>),
}

impl Container {
    pub(super) fn from_env(env: Env<'_>) -> Result<Option<Self>, MachineError> {
        let relative = variable(env, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
        let full = variable(env, "AWS_CONTAINER_CREDENTIALS_FULL_URI");
        let uri = match (relative, full) {
            (Some(path), _) if path.starts_with('/') => format!("{ECS}{path}").parse().ok(),
            (Some(_), _) => None,
            (None, Some(text)) => Some(address("AWS_CONTAINER_CREDENTIALS_FULL_URI", &text, is_near)?),
            (None, None) => return Ok(None),
        };
        let wrong = || MachineError::new("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI: is no path");
        let file = variable(env, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
        let token = match (file, variable(env, "AWS_CONTAINER_AUTHORIZATION_TOKEN")) {
            (Some(file), _) => Token::File(file.into()),
            (None, Some(text)) => Token::Text(text.into()),
            (None, None) => Token::None,
        };
        Ok(Some(Self { uri: uri.ok_or_else(wrong)?, token }))
    }

    pub(super) fn token_file(&self) -> Option<&Path> {
        match &self.token {
            Token::File(path) => Some(path),
            Token::None | Token::Text(_) => None,
        }
    }

    pub(super) async fn obtain(
        &self,
        read: Option<&str>,
        fetch: &dyn Fetch,
    ) -> Result<Obtained, MachineError> {
        let mut request = Request::new(Bytes::new());
        *request.uri_mut() = self.uri.clone();
        request.headers_mut().insert(ACCEPT, HeaderValue::from_static("application/json"));
        let token = match &self.token {
            Token::Text(text) => Some(&**text),
            Token::File(_) | Token::None => read,
        };
        if let Some(token) = token {
            let value = HeaderValue::from_str(token);
            let mut value =
                value.map_err(|_| MachineError::new("its token is none that a header can have"))?;
            value.set_sensitive(true);
            request.headers_mut().insert(AUTHORIZATION, value);
        }
        answer::json(&body(request, fetch).await?)
    }
}

/// The addresses that the SDKs allow besides: those of ECS and of EKS Pod Identity.
fn is_near(host: &str) -> bool {
    const KNOWN: [&str; 3] = ["169.254.170.2", "169.254.170.23", "fd00:ec2::23"];
    let Ok(address) = host.parse::<IpAddr>() else { return is_loopback(host) };
    is_loopback(host) || KNOWN.iter().any(|known| known.parse() == Ok(address))
}

/// Without the token.
impl fmt::Debug for Container {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Container").field("host", &self.uri.host()).finish_non_exhaustive()
    }
}
