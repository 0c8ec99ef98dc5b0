//! The endpoints by which directories take rights away, as configured.

use std::sync::Arc;

use attach_auth::endpoint::Endpoint;
use attach_auth::signals::{
    BackchannelLogout, Scim, SecurityEvents, SignalCredential, SignalIssuer, Signals, UniversalLogout,
};
use attach_auth::{ConfigError as AuthError, IssuerConfig, OidcVerifier, Preset, Witness};
use attach_core::Fetch;

use crate::config::{Config, ConfigError};
use crate::rights::Rights;

/// The configured endpoints, and what they stand on.
pub(crate) struct Receivers<E> {
    pub(crate) endpoint: E,
    pub(crate) lasting: Lasting,
}

/// What outlives a configuration: where all endpoints record, and the issuers whose keys have to be kept current.
pub(crate) struct Lasting {
    desk: Signals,
    issuers: Vec<Known>,
}

/// An issuer, by what it is found by.
struct Known {
    name: (Preset, Box<str>, Box<str>),
    issuer: SignalIssuer,
}

/// What the endpoints stand on.
pub(crate) struct Ground<'a> {
    pub(crate) config: &'a Config,
    pub(crate) rights: &'a Rights,
    pub(crate) verifier: &'a OidcVerifier,
    pub(crate) witness: &'a Arc<dyn Witness>,
    pub(crate) fetch: &'a Arc<dyn Fetch>,
    /// What there was under the configuration before.
    pub(crate) before: Option<(&'a Rights, &'a Lasting)>,
}

impl Lasting {
    /// Fetches the keys that are due.
    pub(crate) async fn refresh(&self) {
        for known in &self.issuers {
            known.issuer.refresh().await;
        }
    }
}

impl Ground<'_> {
    /// The endpoints that the configuration switches on.
    pub(crate) fn receivers(&self) -> Result<Receivers<impl Endpoint + use<>>, ConfigError> {
        let desk = self.desk();
        let mut issuers = Vec::new();
        let scim = self.scim(&desk)?;
        let universal = self.universal_logout(&desk, &mut issuers)?;
        let events = self.security_events(&desk, &mut issuers)?;
        let logout = self.config.revocation.backchannel_logout.as_ref();
        let logout = logout
            .map(|clients| BackchannelLogout::new(desk.clone(), self.verifier.clone(), clients.clone()));
        Ok(Receivers { endpoint: ((scim, logout), (universal, events)), lasting: Lasting { desk, issuers } })
    }

    /// Changes of one resource take turns there, so it is another one only if it has to do otherwise.
    fn desk(&self) -> Signals {
        match self.before {
            Some((rights, lasting)) if rights.keeps_like(self.rights) => lasting.desk.clone(),
            _ => {
                let (revocations, provisioned) =
                    (self.rights.revocations.clone(), self.rights.provisioned.clone());
                Signals::new(revocations, provisioned, Arc::clone(self.witness))
            }
        }
    }

    fn scim(&self, desk: &Signals) -> Result<Option<Scim>, ConfigError> {
        let mut credentials = Vec::new();
        for one in &self.config.revocation.scim {
            let wrong =
                |why: AuthError| ConfigError::new(format!("revocation.scim ({}): {why}", one.directory));
            let mut secrets = one.secrets.iter().cloned();
            let Some(first) = secrets.next() else { continue };
            let name = format!("scim:{}", one.directory);
            let mut credential = SignalCredential::new(name, one.directory.as_str(), first);
            for secret in secrets {
                credential = credential.and(secret).map_err(wrong)?;
            }
            credentials.push(credential);
        }
        if credentials.is_empty() {
            return Ok(None);
        }
        let scim = Scim::new(desk.clone(), credentials);
        Ok(Some(match &self.config.server.external_url {
            Some(url) => scim.external_url(url.to_string().trim_end_matches('/')),
            None => scim,
        }))
    }

    fn universal_logout(
        &self,
        desk: &Signals,
        issuers: &mut Vec<Known>,
    ) -> Result<Option<UniversalLogout>, ConfigError> {
        let configured = &self.config.revocation.universal_logout;
        if configured.is_empty() {
            return Ok(None);
        }
        let at =
            |why: &dyn std::fmt::Display| ConfigError::new(format!("revocation.universal_logout: {why}"));
        let url =
            self.config.server.external_url.as_ref().ok_or_else(|| at(&"there is no server.external_url"))?;
        let mut logout = UniversalLogout::new(desk.clone(), &url.to_string()).map_err(|why| at(&why))?;
        for one in configured {
            let known = self.issuer(Preset::Okta, &one.issuer, &one.directory).map_err(|why| at(&why))?;
            let issuer = known.issuer.clone();
            issuers.push(known);
            logout = match &one.client_id {
                Some(client) => logout.trust(issuer, client.as_str()),
                None => logout.trust_any_client(issuer),
            };
        }
        Ok(Some(logout))
    }

    fn security_events(
        &self,
        desk: &Signals,
        issuers: &mut Vec<Known>,
    ) -> Result<Option<SecurityEvents>, ConfigError> {
        let configured = &self.config.revocation.security_events;
        if configured.is_empty() {
            return Ok(None);
        }
        let at = |why: &dyn std::fmt::Display| ConfigError::new(format!("revocation.security_events: {why}"));
        let audiences = configured.iter().map(|one| one.audience.as_str());
        let mut events = SecurityEvents::new(desk.clone(), audiences);
        for one in configured {
            let known = self.issuer(Preset::Generic, &one.issuer, &one.directory).map_err(|why| at(&why))?;
            events = events.transmitter(known.issuer.clone());
            issuers.push(known);
        }
        Ok(Some(events))
    }

    /// Signals are not held to an audience of access tokens; that each is for this gateway its endpoint checks.
    fn issuer(&self, preset: Preset, issuer: &str, directory: &str) -> Result<Known, AuthError> {
        let name = (preset, Box::from(issuer), Box::from(directory));
        let before = self.before.into_iter().flat_map(|(_, lasting)| &lasting.issuers);
        if let Some(known) = before.into_iter().find(|known| known.name == name) {
            return Ok(Known { name, issuer: known.issuer.clone() });
        }
        let config = IssuerConfig::new(preset, issuer, ["signals".to_owned()])?.directory(directory);
        Ok(Known { name, issuer: SignalIssuer::new(config, Arc::clone(self.fetch)) })
    }
}
