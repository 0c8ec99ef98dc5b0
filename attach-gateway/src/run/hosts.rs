//! A gateway for each of its names.

use std::collections::HashMap;
use std::sync::Arc;

use attach_auth::endpoint::Endpoint;
use attach_auth::{AuthLayer, IssuerConfig, OidcVerifier};
use hyper::body::Incoming;

use super::StartError;
use super::assembly::metadata;
use super::error::config_error;
use crate::callers::Callers;
use crate::config::{Config, Host};
use crate::front::{Answers, Probes, host_of};
use crate::rights::Rights;
use crate::stack::{self, Parts, Stack};

/// The services of each host.
#[derive(Default)]
pub(super) struct Hosts(HashMap<Arc<str>, Stack>);

impl Hosts {
    /// Each is what all are, with its own callers, models and address.
    pub(super) fn new<E: Endpoint + Clone>(
        config: &Config,
        all: &Parts<E>,
        (verifier, rights): (&OidcVerifier, &Rights),
    ) -> Result<Self, StartError> {
        let each = config.hosts.iter().map(|host| {
            let parts = Parts {
                answers: Answers::Host(Arc::clone(host)),
                auth: auth(config, host, (verifier, rights, &all.auth))?,
                probes: Probes { metadata: metadata(config, Some(host))?, ..all.probes.clone() },
                ..all.clone()
            };
            Ok((Arc::clone(&host.name), stack::stack(config, parts)))
        });
        each.collect::<Result<_, StartError>>().map(Self)
    }

    /// That of the host which a request names; `None` if it names none of them.
    pub(super) fn of(&self, request: &http::Request<Incoming>) -> Option<&Stack> {
        if self.0.is_empty() {
            return None;
        }
        self.0.get(&*host_of(request.headers(), request.uri()).ok()?)
    }
}

/// The issuers whose tokens are taken at `host`.
pub(super) fn issuers<'c>(
    config: &'c Config,
    host: Option<&'c Host>,
) -> impl Iterator<Item = &'c IssuerConfig> {
    let known = move |issuer: &&IssuerConfig| {
        host.is_none_or(|host| host.directories.contains(&issuer.directory_name()))
    };
    config.issuers.iter().filter(known)
}

/// Who is calling there: tokens of its directories alone are read, and proofs are for its own address. Running answers and
/// requests that were signed are known to all hosts.
fn auth(
    config: &Config,
    host: &Host,
    (verifier, rights, all): (&OidcVerifier, &Rights, &AuthLayer<Callers>),
) -> Result<AuthLayer<Callers>, StartError> {
    let own = issuers(config, Some(host)).cloned().collect();
    let verifier = verifier.at(own, &host.external_url.to_string()).map_err(config_error)?;
    Ok(stack::auth(config, &verifier, rights, Some(&host.external_url))?.succeeding(all))
}
