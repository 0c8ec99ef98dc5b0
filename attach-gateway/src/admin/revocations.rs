use std::sync::Arc;
use std::time::{Duration, SystemTime};

use attach_auth::endpoint::Endpoint;
use attach_auth::revocation::{Effect, Fact, Subject};
use attach_auth::{Event, Revocations, Witness};
use attach_core::Identity;
use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::answer::{json_answer, problem};
use crate::hex::hex;

/// Where it is.
pub(super) const PATH: &str = "/admin/v1/revocations";

/// `GET` lists who is refused, `POST` refuses or enables somebody.
#[derive(Debug)]
pub(super) struct RevocationsAdmin {
    revocations: Revocations,
    directories: Vec<Arc<str>>,
    witness: Arc<dyn Witness>,
}

/// What `POST` takes: whose caller, who, and what is to become of them.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Order {
    directory: String,
    user: Option<String>,
    name: Option<String>,
    session: Option<String>,
    token: Option<String>,
    client: Option<String>,
    effect: Wanted,
    /// For `not_before`: seconds since the epoch; now unless given.
    at: Option<u64>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Wanted {
    Disabled,
    Enabled,
    NotBefore,
}

impl RevocationsAdmin {
    pub(super) fn new(
        revocations: Revocations,
        directories: Vec<Arc<str>>,
        witness: Arc<dyn Witness>,
    ) -> Self {
        Self { revocations, directories, witness }
    }

    async fn order(&self, request: &Request<Bytes>) -> Result<Response<Bytes>, Response<Bytes>> {
        let actor = request.extensions().get::<Arc<Identity>>().cloned();
        let actor = actor.ok_or_else(|| problem(StatusCode::INTERNAL_SERVER_ERROR, "no administrator"))?;
        let order: Order = serde_json::from_slice(request.body()).map_err(|error| {
            problem(StatusCode::BAD_REQUEST, &format!("the body makes no sense: {error}"))
        })?;
        let fact = self.fact(&order).map_err(|why| problem(StatusCode::BAD_REQUEST, &why))?;
        let event = Event::new(action(order.effect), &*actor.id)
            .directory(Arc::clone(&fact.directory))
            .target(target(&fact.subject))
            .detail("subject", fact.subject.parts().0)
            .detail("actor_directory", &*actor.directory);
        self.witness.witness(event).await.map_err(|_| unavailable())?;
        self.revocations.record(&[fact]).await.map_err(|error| {
            tracing::error!(%error, "an administrator's order was not carried out");
            unavailable()
        })?;
        Ok(json_answer(StatusCode::OK, &json!({"recorded": 1})))
    }

    fn fact(&self, order: &Order) -> Result<Fact, String> {
        let directory = self.directories.iter().find(|known| ***known == *order.directory);
        let directory = directory.ok_or_else(|| format!("there is no directory {:?}", order.directory))?;
        let effect = match (order.effect, order.at) {
            (Wanted::NotBefore, at) => Effect::NotBefore(moment(at)?),
            (_, Some(_)) => return Err("`at` goes with the effect `not_before` only".into()),
            (Wanted::Disabled, None) => Effect::Disabled,
            (Wanted::Enabled, None) => Effect::Enabled,
        };
        Ok(Fact::new(Arc::clone(directory), order.subject()?, effect, "admin"))
    }

    fn list(&self) -> Response<Bytes> {
        let facts: Vec<Value> = self.revocations.list(None).iter().map(shown).collect();
        json_answer(StatusCode::OK, &json!({"revocations": facts}))
    }
}

impl Order {
    fn subject(&self) -> Result<Subject, String> {
        let named = [
            self.user.as_deref().map(|value| Subject::User(value.into())),
            self.name.as_deref().map(Subject::name),
            self.session.as_deref().map(|value| Subject::Session(value.into())),
            self.token.as_deref().map(|value| Subject::Token(value.into())),
            self.client.as_deref().map(|value| Subject::Client(value.into())),
        ];
        let mut named = named.into_iter().flatten().filter(|subject| is_name(subject.parts().1));
        match (named.next(), named.next()) {
            (Some(one), None) => Ok(one),
            _ => Err("name exactly one of user, name, session, token, client".into()),
        }
    }
}

fn is_name(value: &str) -> bool {
    !value.trim().is_empty() && !value.chars().any(char::is_control)
}

fn moment(at: Option<u64>) -> Result<SystemTime, String> {
    let now = SystemTime::now();
    let Some(at) = at else { return Ok(now) };
    SystemTime::UNIX_EPOCH
        .checked_add(Duration::from_secs(at))
        .filter(|time| *time <= now)
        .ok_or_else(|| "`at` is seconds since the epoch, and not in the future".into())
}

/// Ids of users and clients as they are; an address, a session or a token by its digest, for the log is for ever.
pub(super) fn target(subject: &Subject) -> String {
    match subject {
        Subject::User(id) | Subject::Client(id) if !id.contains('@') => id.to_string(),
        other => {
            let (kind, value) = other.parts();
            format!("{kind}-sha256:{}", hex(&Sha256::digest(value)))
        }
    }
}

fn action(wanted: Wanted) -> &'static str {
    match wanted {
        Wanted::Disabled => "revocation.disable",
        Wanted::Enabled => "revocation.enable",
        Wanted::NotBefore => "revocation.not_before",
    }
}

fn shown(fact: &Fact) -> Value {
    let (kind, value) = fact.subject.parts();
    let seconds =
        |time: SystemTime| time.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let (effect, at) = match fact.effect {
        Effect::NotBefore(time) => ("not_before", Some(seconds(time))),
        Effect::Enabled => ("enabled", None),
        _ => ("disabled", None),
    };
    let mut shown = json!({
        "directory": &*fact.directory,
        kind: value,
        "effect": effect,
        "source": &*fact.source,
        "recorded_at": seconds(fact.at),
    });
    if let Some(at) = at {
        shown["at"] = json!(at);
    }
    shown
}

fn unavailable() -> Response<Bytes> {
    problem(StatusCode::SERVICE_UNAVAILABLE, "it could not be recorded, so it was not done; try again")
}

impl Endpoint for RevocationsAdmin {
    fn owns(&self, path: &str) -> bool {
        path == PATH
    }

    async fn handle(&self, request: Request<Bytes>) -> Response<Bytes> {
        match *request.method() {
            Method::GET => self.list(),
            Method::POST => self.order(&request).await.unwrap_or_else(|refused| refused),
            _ => problem(StatusCode::METHOD_NOT_ALLOWED, "GET lists, POST orders"),
        }
    }
}
