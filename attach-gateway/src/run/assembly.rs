//! Everything that one configuration describes, ready to serve.

use std::sync::Arc;

use attach_audit::Audit;
use attach_auth::keys::{AdminKeys, AdminServices};
use attach_auth::metadata::ResourceMetadata;
use attach_auth::policy::Live;
use attach_auth::{AuthLayer, IssuerConfig, OidcVerifier};
use http::Request;
use hyper::body::Incoming;

use super::error::config_error;
use super::hosts::{self, Hosts};
use super::lasting::Lasting;
use super::{StartError, verifiers};
use crate::callers::Callers;
use crate::config::{Config, Host};
use crate::front::{Answers, Probes};
use crate::redact::Redaction;
use crate::rights::Rights;
use crate::signals;
use crate::stack::{self, Stack};
use crate::upstream::{Probing, Upstreams};
use crate::witness::AuditWitness;
use crate::{admin, trail};

/// A configuration, and the services it describes. A request is served by one of them from its start to its end.
pub(crate) struct Assembly {
    pub(crate) config: Arc<Config>,
    /// By which records and metrics name the configuration.
    pub(crate) hash: Arc<str>,
    pub(crate) rights: Rights,
    pub(crate) auth: AuthLayer<Callers>,
    pub(super) stack: Stack,
    /// Those of single hosts; then `stack` refuses.
    hosts: Hosts,
    pub(super) admin: Option<Stack>,
    verifiers: Verifiers,
    signals: signals::Lasting,
    upstreams: Arc<Upstreams>,
    /// Whatever still runs under an earlier configuration does not keep its probes going.
    pub(super) probing: Probing,
    redaction: Redaction,
}

#[derive(Clone)]
struct Verifiers {
    callers: OidcVerifier,
    admins: Option<OidcVerifier>,
}

/// What a configuration takes over: parts of the one before, or the first of their kind.
struct Kept<'a> {
    rights: Rights,
    verifiers: Verifiers,
    upstreams: Upstreams,
    redaction: Redaction,
    before: Option<&'a Assembly>,
    hash: Arc<str>,
}

impl Assembly {
    /// Of the configuration that the process starts with, which has this hash.
    pub(super) fn first(
        (config, hash): (Arc<Config>, &str),
        lasting: &Lasting,
        rights: Rights,
    ) -> Result<Self, StartError> {
        let callers = verifiers::remembering(verifiers::verifier(&config, &lasting.fetch)?, &lasting.state)?;
        let callers = verifiers::with_proofs(callers, &config, &rights)?;
        let admins = verifiers::of_admins(&config, &lasting.fetch, None)?;
        let kept = Kept {
            rights,
            verifiers: Verifiers { callers, admins },
            upstreams: Upstreams::new(&config.upstreams).map_err(|e| StartError::Io("TLS", e))?,
            redaction: Redaction::new(&config, &lasting.redact_key)?,
            before: None,
            hash: hash.into(),
        };
        let first = Self::of(config, lasting, kept)?;
        first.enter(lasting);
        Ok(first)
    }

    /// Of a configuration that takes this one's place, with what is known and open. Takes time: not for the runtime's
    /// threads. Nothing is changed by it; see [`Current::replace`](super::Current::replace).
    ///
    /// # Errors
    ///
    /// When it makes no sense in a way that shows only here.
    pub(crate) fn next(&self, config: Arc<Config>, lasting: &Lasting) -> Result<Self, StartError> {
        let callers = self.verifiers.callers.reconfigured(config.issuers.clone()).map_err(config_error)?;
        let callers = verifiers::with_other_proofs(callers, (&self.config, &config), &self.rights)?;
        let admins = verifiers::of_admins(&config, &lasting.fetch, self.verifiers.admins.as_ref())?;
        let upstreams = Upstreams::after(self.upstreams.places(), &config.upstreams);
        let kept = Kept {
            rights: self.rights.reconfigured(&config),
            verifiers: Verifiers { callers, admins },
            upstreams: upstreams.map_err(|e| StartError::Io("TLS", e))?,
            redaction: self.redaction.after(&self.config, &config, &lasting.redact_key)?,
            before: Some(self),
            hash: trail::config_hash(&config).into(),
        };
        Self::of(config, lasting, kept)
    }

    fn of(config: Arc<Config>, lasting: &Lasting, kept: Kept<'_>) -> Result<Self, StartError> {
        let Kept { rights, verifiers, upstreams, redaction, before, hash } = kept;
        let (audit, upstreams) = (lasting.audit.clone().under(Arc::clone(&hash)), Arc::new(upstreams));
        let receivers = signals::Ground {
            config: &config,
            rights: &rights,
            verifier: &verifiers.callers,
            witness: &lasting.witness,
            fetch: &lasting.fetch,
            before: before.map(|before| (&before.rights, &before.signals)),
        };
        let receivers = receivers.receivers()?;
        let auth = stack::auth(&config, &verifiers.callers, &rights, config.server.external_url.as_ref())?;
        let auth = match before {
            Some(before) => auth.succeeding(&before.auth),
            None => auth,
        };
        let policy = Live::new(Arc::clone(&config.rules));
        let parts = stack::Parts {
            answers: if config.hosts.is_empty() { Answers::Any } else { Answers::None },
            audit: audit.clone(),
            auth: auth.clone(),
            receivers: Arc::new(receivers.endpoint),
            keys: rights.keys.clone(),
            revocations: rights.revocations.clone(),
            policy: policy.clone(),
            redaction: redaction.clone(),
            quota: rights.quotas.layer().clone(),
            upstreams: Arc::clone(&upstreams),
            running: lasting.running.clone(),
            memory: lasting.memory.clone(),
            pseudonym: lasting.pseudonym.clone(),
            probes: probes(&config, &verifiers.callers, &audit, &rights)?,
            telemetry: lasting.telemetry.named_by(&config),
        };
        let hosts = Hosts::new(&config, &parts, (&verifiers.callers, &rights))?;
        let stack = stack::stack(&config, parts);
        let probing = Probing::start(&upstreams, before.map(|before| &before.probing));
        let signals = receivers.lasting;
        let admin = admin_stack(&config, lasting, &verifiers, &rights, (audit, policy))?;
        Ok(Self {
            config,
            hash,
            rights,
            auth,
            stack,
            hosts,
            admin,
            verifiers,
            signals,
            upstreams,
            probing,
            redaction,
        })
    }

    /// This is in force from now on: what is shared with the one before goes by it.
    pub(super) fn enter(&self, lasting: &Lasting) {
        self.rights.quotas.enter(&self.config);
        self.upstreams.enter(&self.config.upstreams, &lasting.telemetry);
    }

    /// The service for a request, by the host that it names.
    pub(super) fn of_host(&self, request: &Request<Incoming>) -> Option<&Stack> {
        Some(self.hosts.of(request).unwrap_or(&self.stack))
    }

    /// Who says whose the tokens of callers are.
    pub(crate) fn verifier(&self) -> &OidcVerifier {
        &self.verifiers.callers
    }

    /// All who say whose a token is.
    pub(crate) fn verifiers(&self) -> impl Iterator<Item = &OidcVerifier> {
        std::iter::once(&self.verifiers.callers).chain(&self.verifiers.admins)
    }

    /// Fetches the keys that are due.
    pub(crate) async fn refresh(&self) {
        let issuers = async {
            for verifier in self.verifiers() {
                verifier.refresh().await;
            }
            self.signals.refresh().await;
        };
        tokio::join!(issuers, crate::machine::renew());
    }

    /// Whether requests can be served.
    pub(super) fn is_ready(&self, audit: &Audit) -> bool {
        is_ready(self.verifier(), audit, (&self.rights, self.config.revocation.stale))
    }
}

fn admin_stack(
    config: &Config,
    lasting: &Lasting,
    verifiers: &Verifiers,
    rights: &Rights,
    (audit, access): (Audit, Live<attach_auth::policy::Rules>),
) -> Result<Option<Stack>, StartError> {
    let (Some(settings), Some((addr, index))) = (&config.admin, &lasting.admin) else {
        return Ok(None);
    };
    let keys = (rights.keys.clone().map(AdminKeys::new), rights.services().map(AdminServices::new));
    let parts = admin::Parts {
        tokens: verifiers.admins.clone(),
        directories: verifiers.callers.directories(),
        rights: rights.clone(),
        access,
        witness: Arc::new(AuditWitness(audit.clone())),
        audit,
        more: (keys, index.clone()),
    };
    Ok(Some(admin::stack(settings, addr, parts)?))
}

fn is_ready(verifier: &OidcVerifier, audit: &Audit, (rights, stale): (&Rights, std::time::Duration)) -> bool {
    audit.is_ready() && rights.is_known(stale) && verifier.status().iter().any(|status| status.ready)
}

fn probes(
    config: &Config,
    verifier: &OidcVerifier,
    audit: &Audit,
    rights: &Rights,
) -> Result<Probes, StartError> {
    let (verifier, audit, rights) = (verifier.clone(), audit.clone(), rights.clone());
    let stale = config.revocation.stale;
    let ready = move || is_ready(&verifier, &audit, (&rights, stale));
    Ok(Probes { ready: Arc::new(ready), metadata: metadata(config, None)? })
}

/// RFC 9728, if the gateway knows its own address: of `host`, or else where there are none.
pub(super) fn metadata(config: &Config, host: Option<&Host>) -> Result<Option<ResourceMetadata>, StartError> {
    let main = config.server.external_url.as_ref().filter(|_| config.hosts.is_empty());
    let Some(url) = host.map(|host| &host.external_url).or(main) else { return Ok(None) };
    let metadata = ResourceMetadata::new(&url.to_string()).map_err(config_error)?;
    let scopes = hosts::issuers(config, host).flat_map(|issuer| issuer.scopes().collect::<Vec<_>>());
    let servers = hosts::issuers(config, host).map(IssuerConfig::issuer);
    Ok(Some(metadata.authorization_servers(servers).scopes(scopes).dpop()))
}
