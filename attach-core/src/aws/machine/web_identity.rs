use std::path::{Path, PathBuf};

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{Method, Request, Uri};

use super::{Env, MachineError, Obtained, address, answer, is_loopback, variable};
use crate::Fetch;
use crate::aws::{is_region, path_segment, public_domain};

/// A role that a workload takes with a token of its own identity provider, such as a service account of Kubernetes.
///
/// Source: [AssumeRoleWithWebIdentity](https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct WebIdentity {
    token: PathBuf,
    role: String,
    session: String,
    uri: Uri,
}

impl WebIdentity {
    pub(super) fn from_env(region: &str, env: Env<'_>) -> Result<Option<Self>, MachineError> {
        let Some(token) = variable(env, "AWS_WEB_IDENTITY_TOKEN_FILE") else { return Ok(None) };
        let role = variable(env, "AWS_ROLE_ARN");
        let role = role.ok_or_else(|| {
            MachineError::new("AWS_WEB_IDENTITY_TOKEN_FILE is of no use without AWS_ROLE_ARN")
        })?;
        let session = variable(env, "AWS_ROLE_SESSION_NAME").unwrap_or_else(|| "attach-gateway".to_owned());
        let uri = match variable(env, "AWS_ENDPOINT_URL_STS") {
            Some(text) => address("AWS_ENDPOINT_URL_STS", &text, is_loopback)?,
            None => public(&variable(env, "AWS_REGION").unwrap_or_else(|| region.to_owned()))?,
        };
        Ok(Some(Self { token: token.into(), role, session, uri }))
    }

    pub(super) fn token_file(&self) -> &Path {
        &self.token
    }

    pub(super) async fn obtain(&self, token: &str, fetch: &dyn Fetch) -> Result<Obtained, MachineError> {
        let form = format!(
            "Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleArn={}&RoleSessionName={}&WebIdentityToken={}",
            path_segment(&self.role),
            path_segment(&self.session),
            path_segment(token),
        );
        let mut request = Request::new(Bytes::from(form));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.uri.clone();
        let form = HeaderValue::from_static("application/x-www-form-urlencoded");
        request.headers_mut().insert(CONTENT_TYPE, form);
        let said = fetch.fetch(request).await.map_err(|error| MachineError::new(error.to_string()))?;
        let (status, body) = (said.status(), said.into_body());
        if status.is_success() {
            return answer::xml(&body);
        }
        let code = answer::error_code(&body).map(|code| format!(" {code}")).unwrap_or_default();
        Err(MachineError::new(format!("STS answered {}{code}", status.as_u16())))
    }
}

/// The service of `region`.
fn public(region: &str) -> Result<Uri, MachineError> {
    let wrong = || MachineError::new("AWS_REGION: no region, such as eu-central-1");
    if !is_region(region) {
        return Err(wrong());
    }
    format!("https://sts.{region}.{}/", public_domain(region)).parse().map_err(|_| wrong())
}
