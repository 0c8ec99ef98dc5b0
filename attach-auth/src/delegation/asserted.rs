use std::sync::Arc;

use attach_core::identity::{Assurance, Kind, Proof};
use attach_core::{Exchange, Identity};
use http::HeaderMap;
use http::request::Parts;

use super::signed::{self, SIGNED_HEADERS};
use super::{Delegation, FrontEnd};
use crate::credential::{self, Source};
use crate::{Authenticate, Denial};

/// Where a person's own token comes.
const TOKEN: &str = "x-attach-on-behalf-of";

/// What a request says about whom it is for, before anybody knows whether the sender may.
pub(crate) struct Asserted<'a> {
    delegation: Option<&'a Delegation>,
    /// The headers as they came, if any of them is about that.
    headers: Option<HeaderMap>,
}

impl<'a> Asserted<'a> {
    /// To be read before headers that only we may send are removed.
    pub(crate) fn of(delegation: Option<&'a Delegation>, parts: &Parts) -> Self {
        let about = |headers: &HeaderMap| {
            headers.contains_key(TOKEN) || SIGNED_HEADERS.iter().any(|name| headers.contains_key(*name))
        };
        let headers = delegation.filter(|_| about(&parts.headers)).map(|_| parts.headers.clone());
        Self { delegation, headers }
    }

    /// Who the caller is: whom `identity` speaks for if it is a front end and speaks for somebody, else itself.
    pub(crate) async fn resolve<A: Authenticate>(
        self,
        identity: Arc<Identity>,
        authenticator: &A,
        parts: &mut Parts,
        exchange: &Exchange,
    ) -> Result<Arc<Identity>, Denial> {
        let Some((delegation, front_end)) =
            self.delegation.and_then(|delegation| Some((delegation, delegation.front_end(&identity)?)))
        else {
            return Ok(identity);
        };
        let person = match &self.headers {
            None if front_end.required => Err(Denial::forbidden("delegation_required")
                .with_message("this front end calls for its users only, and the request names none")),
            None => return Ok(identity),
            Some(headers) if headers.contains_key(TOKEN) => {
                Box::pin(by_token(front_end, headers, authenticator, parts)).await
            }
            Some(headers) => Box::pin(signed::person(delegation, front_end, headers, parts)).await,
        };
        match person {
            Ok(person) => Ok(Arc::new(on_behalf_of(person, identity))),
            Err(denial) => {
                // On record it is the front end whose request was refused: whom it spoke for is not established.
                exchange.identify(identity);
                Err(denial)
            }
        }
    }
}

/// The person whose token the front end passes on.
async fn by_token<A: Authenticate>(
    front_end: &FrontEnd,
    headers: &HeaderMap,
    authenticator: &A,
    parts: &Parts,
) -> Result<Identity, Denial> {
    if SIGNED_HEADERS.iter().any(|name| headers.contains_key(*name)) {
        return Err(malformed("both a token and headers say whom this is for; send one"));
    }
    if !front_end.tokens {
        return Err(not_allowed("way", "this front end may not pass tokens"));
    }
    let mut values = headers.get_all(TOKEN).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return Err(malformed("two `X-Attach-On-Behalf-Of` headers; send one"));
    };
    let token = credential::bearer(value).ok().filter(|token| token.source() == Source::Authorization);
    let token =
        token.ok_or_else(|| malformed("`X-Attach-On-Behalf-Of` is not `Bearer`, a space and a token"))?;
    let person = authenticator.authenticate(&token, parts).await.map_err(about_the_person)?;
    if person.kind != Kind::Person || person.proof != Proof::Token || person.actor.is_some() {
        return Err(not_allowed("kind", "only a person's own access token can be passed on"));
    }
    if !front_end.speaks_for(&person.directory) {
        return Err(not_allowed("directory", "this front end may not speak for people of that directory"));
    }
    Ok(Identity::clone(&person))
}

/// A person that a front end speaks for. How they signed in says nothing about this request.
fn on_behalf_of(mut person: Identity, front_end: Arc<Identity>) -> Identity {
    person.proof = Proof::Delegated;
    person.assurance = Assurance::default();
    // Of somebody who showed no token of their own, these are the front end's.
    person.client_id = person.client_id.or_else(|| front_end.client_id.clone());
    person.expires_at = person.expires_at.or(front_end.expires_at);
    person.actor = Some(front_end);
    person
}

/// Says whose token was not accepted: there are two in the request.
fn about_the_person(denial: Denial) -> Denial {
    if denial.status().is_server_error() {
        return denial;
    }
    let message = format!("the token in `X-Attach-On-Behalf-Of` was not accepted: {}", denial.code());
    denial.with_message(message)
}

pub(super) fn malformed(message: &'static str) -> Denial {
    Denial::invalid_request("delegation_malformed").with_message(message)
}

pub(super) fn not_allowed(reason: &'static str, message: &'static str) -> Denial {
    Denial::forbidden("delegation_not_allowed")
        .with_reason(format!("delegation_{reason}"))
        .with_message(message)
}
