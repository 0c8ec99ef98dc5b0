//! The admin listener: who is refused, gateway keys, service identities, exceptions from limits, the state store.
//!
//! Off until `[admin]` says who may use it. Its callers show tokens of an audience of their own and hold roles by
//! their groups, or are listed by what their connection shows; everything they change is on record before it is changed.

use std::sync::Arc;
use std::time::Duration;

use attach_audit::Audit;
use attach_auth::endpoint::{Endpoint, EndpointLayer};
use attach_auth::policy::{Live, Rules};
use attach_auth::{AuthLayer, OidcVerifier, Witness};
use attach_core::{Exchange, Rejection, ResponseBody};
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::Empty;
use hyper::body::Incoming;
use tower::{ServiceBuilder, service_fn};

use crate::config::{Admin, ConfigError, Listen, Local};
use crate::rights::Rights;
use crate::stack::Stack;

mod answer;
mod audit;
mod check;
mod content;
mod door;
mod local;
mod query;
mod quotas;
mod recheck;
mod recount;
mod revocations;
mod rights;
mod state;

pub(crate) use self::audit::AuditAdmin;
pub(crate) use self::check::CheckLayer;
use self::content::ContentAdmin;
use self::local::Admins;
use self::quotas::QuotasAdmin;
pub(crate) use self::recheck::Recheck;
use self::revocations::RevocationsAdmin;
use self::state::StateAdmin;

/// How long a body may take to arrive.
pub(crate) const BODY_DEADLINE: Duration = Duration::from_secs(10);

/// What the admin listener works on.
pub(crate) struct Parts<E> {
    pub(crate) audit: Audit,
    /// Who says whose a token is, if administrators come by tokens.
    pub(crate) tokens: Option<OidcVerifier>,
    /// The directories of callers.
    pub(crate) directories: Vec<Arc<str>>,
    pub(crate) rights: Rights,
    /// Rules of `[access]` about verbs count here as well.
    pub(crate) access: Live<Rules>,
    pub(crate) witness: Arc<dyn Witness>,
    /// Whatever else it has: keys and service identities.
    pub(crate) more: E,
}

/// The admin listener's service.
pub(crate) fn stack<E: Endpoint>(
    admin: &Admin,
    addr: &Listen,
    parts: Parts<E>,
) -> Result<Stack, ConfigError> {
    let directories = parts.directories;
    let roles = rights::rules(admin, &directories)?;
    let rights = parts.rights;
    let state = StateAdmin::new(rights.state.clone(), rights.redis.clone(), Arc::clone(&parts.witness));
    let quotas = QuotasAdmin::new(&rights, directories.clone(), Arc::clone(&parts.witness));
    let revocations =
        RevocationsAdmin::new(rights.revocations.clone(), revocable(admin, directories), parts.witness);
    let content = ContentAdmin(parts.audit.clone());
    // Who repairs a lost store has to get in while it is lost: what this node knows is all there is then.
    let known = rights.revocations.stale(Duration::MAX);
    let endpoint = Recheck {
        endpoint: ((((revocations, state), quotas), content), parts.more),
        revocations: known.clone(),
    };
    let admins = Admins { tokens: parts.tokens, local: admin.local.clone() };
    let auth = AuthLayer::new(admins).realm("attach-admin").revocations(known);
    let service = ServiceBuilder::new()
        .layer(parts.audit.layer())
        .layer(CheckLayer::new(door::check(addr.tcp(), admin.hosts.clone())))
        .layer(auth)
        .layer(CheckLayer::new(rights::check(roles, parts.access)))
        .layer(EndpointLayer::new(endpoint).deadline(|| tokio::time::sleep(BODY_DEADLINE)))
        .service(service_fn(nothing_else));
    Ok(Stack::new(service))
}

/// Callers, and administrators who come without a token: they can be refused as well.
fn revocable(admin: &Admin, mut directories: Vec<Arc<str>>) -> Vec<Arc<str>> {
    if !admin.local.is_empty() {
        directories.push(Local::DIRECTORY.into());
    }
    directories
}

async fn nothing_else(
    mut request: Request<Incoming>,
) -> Result<Response<ResponseBody<Empty<Bytes>>>, std::convert::Infallible> {
    let exchange = Exchange::of_request(&mut request);
    let none = Rejection::new(StatusCode::NOT_FOUND, "unknown_endpoint", "there is no such endpoint");
    Ok(none.into_response(&exchange))
}
