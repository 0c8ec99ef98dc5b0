use serde::Deserialize;

use crate::config::ConfigError;

/// What only an upstream of Azure has.
#[derive(Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Azure {
    /// Where its operations are.
    pub version: AzureVersion,
    /// Its key is an Entra ID token, and goes as one.
    pub bearer: bool,
}

/// The two shapes of Azure's paths.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum AzureVersion {
    /// `/openai/v1/…`, with `?api-version=…` if it is one of `preview` and `latest`.
    V1(Option<Box<str>>),
    /// `/openai/deployments/{model}/…?api-version=…`, with the date.
    Dated(Box<str>),
}

/// The settings of an `[[upstream]]` that are about it.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::config) struct File {
    api_version: Option<String>,
    auth: Option<String>,
}

impl File {
    pub(super) fn is_empty(&self) -> bool {
        self.api_version.is_none() && self.auth.is_none()
    }

    pub(super) fn resolve(&self, at: &dyn Fn(&str) -> String) -> Result<Azure, ConfigError> {
        let version = match self.api_version.as_deref() {
            None => AzureVersion::V1(None),
            Some(text @ ("preview" | "latest")) => AzureVersion::V1(Some(text.into())),
            Some(text) if is_dated(text) => AzureVersion::Dated(text.into()),
            Some(text) => {
                return Err(ConfigError::new(format!(
                    "{}: {text:?} is not a version like 2024-10-21, preview or latest; leave it out for the v1 API",
                    at("api_version")
                )));
            }
        };
        let bearer = match self.auth.as_deref() {
            None | Some("api-key") => false,
            Some("bearer") => true,
            Some(text) => {
                return Err(ConfigError::new(format!(
                    "{}: {text:?} is not one of api-key, bearer",
                    at("auth")
                )));
            }
        };
        Ok(Azure { version, bearer })
    }
}

/// `2024-10-21`, `2025-04-01-preview`.
fn is_dated(text: &str) -> bool {
    let date = text.strip_suffix("-preview").unwrap_or(text);
    let pattern = b"0000-00-00";
    date.len() == pattern.len()
        && date.bytes().zip(pattern).all(|(byte, like)| match like {
            b'-' => byte == b'-',
            _ => byte.is_ascii_digit(),
        })
}

impl Azure {
    /// A part of a line.
    pub(in crate::config) fn describe(&self) -> String {
        let version = match &self.version {
            AzureVersion::V1(None) => "v1".to_owned(),
            AzureVersion::V1(Some(version)) => format!("v1, api-version {version}"),
            AzureVersion::Dated(version) => format!("deployments, api-version {version}"),
        };
        format!("{version}, {}", if self.bearer { "with a bearer token" } else { "with an api-key" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_a_date_or_a_name_of_the_v1_api() {
        assert!(is_dated("2024-10-21") && is_dated("2025-04-01-preview"));
        for wrong in ["2024", "2024-10-21?x", "v1", "2024-10-21-beta", "2024/10/21"] {
            assert!(!is_dated(wrong), "{wrong}");
        }
    }
}
