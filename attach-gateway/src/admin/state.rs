use std::sync::Arc;

use attach_auth::endpoint::Endpoint;
use attach_auth::state::{Health, Redis, State};
use attach_auth::{Event, Witness};
use attach_core::Identity;
use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use serde::Deserialize;
use serde_json::json;

use super::answer::{json_answer, problem};

/// Where it is.
pub(super) const PATH: &str = "/admin/v1/state";

/// `GET` says how the state store is; `POST` decides what becomes of one that is not what it was.
#[derive(Debug)]
pub(super) struct StateAdmin {
    state: State,
    redis: Option<Redis>,
    witness: Arc<dyn Witness>,
}

/// What `POST` takes.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Order {
    action: Action,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Action {
    /// Writes what this node remembers into the store, which all nodes follow from then on.
    Reseed,
    /// Takes the store as it is, whatever it has forgotten.
    Adopt,
}

impl StateAdmin {
    pub(super) fn new(state: State, redis: Option<Redis>, witness: Arc<dyn Witness>) -> Self {
        Self { state, redis, witness }
    }

    fn health(&self) -> Response<Bytes> {
        let shared = self.redis.is_some();
        let body = match self.state.health() {
            Health::Down { since, why } => {
                json!({"shared": shared, "health": "down", "for_seconds": since.as_secs(), "why": &*why})
            }
            _ => json!({"shared": shared, "health": "up"}),
        };
        json_answer(StatusCode::OK, &body)
    }

    async fn order(&self, request: &Request<Bytes>) -> Result<Response<Bytes>, Response<Bytes>> {
        let actor = request.extensions().get::<Arc<Identity>>().cloned();
        let actor = actor.ok_or_else(|| problem(StatusCode::INTERNAL_SERVER_ERROR, "no administrator"))?;
        let Order { action } = serde_json::from_slice(request.body()).map_err(|error| {
            problem(StatusCode::BAD_REQUEST, &format!("the body makes no sense: {error}"))
        })?;
        let redis = self.redis.as_ref().ok_or_else(|| {
            problem(StatusCode::CONFLICT, "the state is a file of this node's; there is nothing to take over")
        })?;
        let name = match action {
            Action::Reseed => "state.reseed",
            Action::Adopt => "state.adopt",
        };
        let event = Event::new(name, &*actor.id).directory(Arc::clone(&actor.directory));
        self.witness
            .witness(event)
            .await
            .map_err(|_| problem(StatusCode::SERVICE_UNAVAILABLE, "it could not be recorded"))?;
        let done = match action {
            Action::Reseed => redis.reseed(&self.state.rows()).await,
            Action::Adopt => redis.adopt().await,
        };
        done.map_err(|lost| problem(StatusCode::SERVICE_UNAVAILABLE, &lost.to_string()))?;
        Ok(json_answer(StatusCode::OK, &json!({"done": name})))
    }
}

impl Endpoint for StateAdmin {
    fn owns(&self, path: &str) -> bool {
        path == PATH
    }

    async fn handle(&self, request: Request<Bytes>) -> Response<Bytes> {
        match *request.method() {
            Method::GET => self.health(),
            Method::POST => self.order(&request).await.unwrap_or_else(|refused| refused),
            _ => problem(StatusCode::METHOD_NOT_ALLOWED, "GET asks, POST orders"),
        }
    }
}
