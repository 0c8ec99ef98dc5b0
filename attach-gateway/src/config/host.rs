//! `[[host]]`: names that the gateway answers to, each for callers and models of its own.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use attach_auth::policy::ModelGlob;
use http::{HeaderValue, Uri};
use serde::Deserialize;

use super::ConfigError;
use super::server::{self, Server};

/// A name that the gateway answers to.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Host {
    /// As requests name it, in small letters and without a port.
    pub name: Arc<str>,
    /// The address that its clients use.
    pub external_url: Uri,
    /// Whose callers are known there.
    pub directories: Vec<Arc<str>>,
    /// The names of models that exist there; all without it.
    pub models: Option<Arc<[ModelGlob]>>,
    /// Web pages that may call there: exact origins.
    pub origins: Vec<HeaderValue>,
}

/// One table as it is written.
#[derive(Debug, Deserialize)]
pub(super) struct Table {
    name: String,
    external_url: Option<String>,
    directories: Vec<String>,
    models: Option<Vec<String>>,
    #[serde(default)]
    cors: server::Cors,
}

/// Reads every table. With one, requests for any other name are refused, so what is addressed to the gateway by another
/// one makes no sense.
pub(super) fn resolve(
    tables: Vec<Table>,
    known: &[Arc<str>],
    server: &Server,
) -> Result<Vec<Arc<Host>>, ConfigError> {
    let mut hosts: Vec<Arc<Host>> = Vec::with_capacity(tables.len());
    for table in tables {
        let name = table.name.clone();
        let at = |why: String| ConfigError::new(format!("host {name:?}: {why}"));
        let host = table.resolve(known).map_err(at)?;
        if hosts.iter().any(|other| other.name == host.name) {
            return Err(at("is there twice".into()));
        }
        hosts.push(Arc::new(host));
    }
    if hosts.is_empty() {
        return Ok(hosts);
    }
    if !server.origins.is_empty() {
        return Err(ConfigError::new("server.cors: with [[host]], each host has its own: say it there"));
    }
    let main = server.external_url.as_ref().and_then(Uri::host).map(str::to_ascii_lowercase);
    if let Some(main) = main.filter(|main| hosts.iter().all(|host| *host.name != **main)) {
        return Err(ConfigError::new(format!(
            "server.external_url: {main:?} is no [[host]], so nobody could call there"
        )));
    }
    Ok(hosts)
}

impl Table {
    fn resolve(self, known: &[Arc<str>]) -> Result<Host, String> {
        if !is_name(&self.name) {
            return Err(
                "name is no host's name in small letters, without a port, like acme.llm.example.com".into()
            );
        }
        let url = self.external_url.unwrap_or_else(|| format!("https://{}", self.name));
        let url = server::external_url("external_url", Some(&url)).map_err(|why| why.to_string())?;
        let external_url =
            url.filter(|url| url.host().is_some_and(|host| host.eq_ignore_ascii_case(&self.name)));
        let external_url = external_url.ok_or("external_url is of another host")?;
        if self.directories.is_empty() {
            return Err("directories: nobody could call".into());
        }
        let glob = |name: String| name.parse::<ModelGlob>().map_err(|why| format!("models: {why}"));
        let models =
            self.models.map(|names| names.into_iter().map(glob).collect::<Result<_, _>>()).transpose()?;
        let origins =
            self.cors.origins(&format!("host {:?}: cors", self.name)).map_err(|why| why.to_string())?;
        let directories = self.directories.iter().map(|name| {
            let found = known.iter().find(|known| ***known == **name);
            found.cloned().ok_or_else(|| format!("directories: no [[issuer]] is of the directory {name:?}"))
        });
        Ok(Host {
            name: self.name.as_str().into(),
            external_url,
            directories: directories.collect::<Result<_, _>>()?,
            models,
            origins,
        })
    }
}

/// Letters, digits and hyphens between dots (RFC 1123 §2.1), and no address.
fn is_name(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let label = |label: &str| (1..=63).contains(&label.len()) && label.bytes().all(plain);
    name.len() <= 253 && name.split('.').all(label) && name.parse::<IpAddr>().is_err()
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at {}: callers of {}", self.name, self.external_url, self.directories.join(", "))?;
        match &self.models {
            None => f.write_str("; all models")?,
            Some(models) => {
                let names: Vec<_> = models.iter().map(ModelGlob::as_str).collect();
                write!(f, "; models {}", if names.is_empty() { "none".into() } else { names.join(", ") })?;
            }
        }
        self.origins.iter().try_for_each(|page| write!(f, "; pages of {}", page.to_str().unwrap_or_default()))
    }
}

#[cfg(test)]
mod tests {
    use crate::config::Config;

    const FILE: &str = r#"
        [[issuer]]
        directory = "acme"
        issuer = "https://idp.example.com"
        audience = ["api"]
        [[upstream]]
        name = "a"
        kind = "openai"
        url = "https://api.openai.com"
    "#;

    fn read(more: &str) -> Result<Config, String> {
        Config::parse(&format!("{more}\n{FILE}"), |_| None).map_err(|error| error.to_string())
    }

    #[test]
    fn a_host_has_its_own_address_callers_and_models() {
        let config = read(
            "[[host]]\nname = \"acme.example.com\"\ndirectories = [\"acme\"]\nmodels = [\"gpt-4*\"]\n\
             cors = { allowed_origins = [\"https://chat.acme.example\"] }",
        );
        let said = config.unwrap().describe();
        let line = "host acme.example.com at https://acme.example.com/: callers of acme; models gpt-4*; pages of \
                    https://chat.acme.example\n";
        assert!(said.contains(line), "{said}");
    }

    #[test]
    fn what_makes_no_sense_is_named() {
        let one = "[[host]]\nname = \"acme.example.com\"\ndirectories = [\"acme\"]\n";
        for (text, said) in [
            (one.replace("acme.example.com", "Acme.example.com"), "small letters"),
            (one.replace("acme.example.com", "acme.example.com:443"), "without a port"),
            (one.replace("acme.example.com", "acme.example.com."), "no host's name"),
            (one.replace("acme.example.com", "192.0.2.1"), "no host's name"),
            (one.replace("acme.example.com", "*.example.com"), "no host's name"),
            (one.replace("[\"acme\"]", "[\"other\"]"), "no [[issuer]] is of the directory \"other\""),
            (one.replace("[\"acme\"]", "[]"), "nobody could call"),
            (format!("{one}external_url = \"https://other.example.com\""), "of another host"),
            (format!("{one}external_url = \"https://acme.example.com/llm\""), "only a scheme and a host"),
            (format!("{one}models = [\"\"]"), "models"),
            (format!("{one}{one}"), "twice"),
            (format!("[server]\nexternal_url = \"https://x.example\"\n{one}"), "is no [[host]]"),
            (
                format!("[server]\ncors = {{ allowed_origins = [\"https://x.example\"] }}\n{one}"),
                "say it there",
            ),
        ] {
            let error = read(&text).expect_err(&text);
            assert!(error.contains(said), "{text}: {error}");
        }
        assert!(read(&format!("[server]\nexternal_url = \"https://acme.example.com:8443\"\n{one}")).is_ok());
    }
}
