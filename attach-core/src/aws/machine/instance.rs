use std::net::IpAddr;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, Request};

use super::{Env, MachineError, Obtained, address, answer, body, is_loopback, variable};
use crate::Fetch;
use crate::aws::path_segment;

const TOKEN: HeaderName = HeaderName::from_static("x-aws-ec2-metadata-token");
const TTL: HeaderName = HeaderName::from_static("x-aws-ec2-metadata-token-ttl-seconds");
const ROLES: &str = "latest/meta-data/iam/security-credentials/";

/// The keys of an instance's role. Version 2 of the service alone, whose token a forged request does not get.
///
/// Source: [IMDSv2](https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/configuring-instance-metadata-service.html) and
/// [security credentials](https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instance-metadata-security-credentials.html).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Instance {
    /// Without a slash at its end.
    service: String,
}

impl Instance {
    pub(super) fn from_env(env: Env<'_>) -> Result<Option<Self>, MachineError> {
        if variable(env, "AWS_EC2_METADATA_DISABLED").is_some_and(|value| value.eq_ignore_ascii_case("true"))
        {
            return Ok(None);
        }
        const NAME: &str = "AWS_EC2_METADATA_SERVICE_ENDPOINT";
        let six = variable(env, "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE");
        let six = six.is_some_and(|mode| mode.eq_ignore_ascii_case("ipv6"));
        let usual = if six { "http://[fd00:ec2::254]" } else { "http://169.254.169.254" };
        let service = variable(env, NAME).unwrap_or_else(|| usual.to_owned());
        address(NAME, &service, is_near)?;
        Ok(Some(Self { service: service.trim_end_matches('/').to_owned() }))
    }

    pub(super) async fn obtain(&self, fetch: &dyn Fetch) -> Result<Obtained, MachineError> {
        let token = self.ask(Method::PUT, "latest/api/token", (TTL, "21600"), fetch).await?;
        let token = std::str::from_utf8(&token).unwrap_or_default();
        let roles = self.ask(Method::GET, ROLES, (TOKEN, token), fetch).await?;
        let role = std::str::from_utf8(&roles).ok().and_then(|roles| roles.lines().next()).map(str::trim);
        let role = role.filter(|role| !role.is_empty());
        let role = role.ok_or_else(|| MachineError::new("the instance has no role"))?;
        let path = format!("{ROLES}{}", path_segment(role));
        answer::json(&self.ask(Method::GET, &path, (TOKEN, token), fetch).await?)
    }

    async fn ask(
        &self,
        method: Method,
        path: &str,
        (name, value): (HeaderName, &str),
        fetch: &dyn Fetch,
    ) -> Result<Bytes, MachineError> {
        let wrong = || MachineError::new("the metadata service cannot be asked");
        let mut request = Request::new(Bytes::new());
        *request.method_mut() = method;
        *request.uri_mut() = format!("{}/{path}", self.service).parse().map_err(|_| wrong())?;
        let mut value = HeaderValue::from_str(value).map_err(|_| wrong())?;
        value.set_sensitive(name == TOKEN);
        request.headers_mut().insert(name, value);
        body(request, fetch).await
    }
}

/// Link-local addresses, which no router passes on, and the service's own of IPv6.
fn is_near(host: &str) -> bool {
    match host.parse::<IpAddr>() {
        Ok(IpAddr::V4(address)) => address.is_loopback() || address.is_link_local(),
        Ok(IpAddr::V6(address)) => address.is_loopback() || address.segments().starts_with(&[0xfd00, 0xec2]),
        Err(_) => is_loopback(host),
    }
}
