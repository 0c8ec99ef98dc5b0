//! What a caller is told about themselves: `GET /v1/attach/me`.

use std::sync::Arc;
use std::time::Duration;

use attach_core::{Dialect, Identity, Rejection};
use attach_quota::QuotaLayer;
use http::header::{ALLOW, HeaderValue};
use http::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};

use crate::moment;
use crate::quotas::limit;
use crate::resolve::{Directory, listing};

/// Where it is.
pub(crate) const PATH: &str = "/v1/attach/me";

/// For how long the upstreams' lists of models are remembered here: a program may ask every second.
const FRESH: Duration = Duration::from_secs(5);

/// How long the upstreams may take to say which models they have.
const PATIENCE: Duration = Duration::from_secs(2);

/// Names of models.
type Names = Arc<[Arc<str>]>;

/// When the upstreams were asked, and what they said, if anything.
struct Remembered {
    at: Instant,
    names: Option<Names>,
}

/// What [`PATH`] answers from. Clones share what is remembered.
#[derive(Clone)]
pub(crate) struct Me {
    quota: QuotaLayer,
    models: Arc<Mutex<Option<Remembered>>>,
}

impl Me {
    pub(crate) fn new(quota: QuotaLayer) -> Self {
        Self { quota, models: Arc::default() }
    }

    /// The answer for `identity`. An upstream that cannot be asked for its models hides nothing else.
    pub(super) async fn answer(
        &self,
        identity: &Arc<Identity>,
        upstreams: &Directory,
        may_use: impl Fn(&str) -> bool,
    ) -> Value {
        let names = self.names(upstreams).await;
        let models: Option<Vec<&str>> = names
            .as_ref()
            .map(|names| names.iter().map(|name| &**name).filter(|name| may_use(name)).collect());
        let limits: Vec<Value> = self.quota.standings(identity).await.iter().map(limit).collect();
        json!({"identity": shown(identity), "models": models, "limits": limits})
    }

    /// Every model there is, as it was a moment ago; `None` if nobody could say.
    async fn names(&self, upstreams: &Directory) -> Option<Names> {
        let mut known = self.models.lock().await;
        if let Some(known) = known.as_ref().filter(|known| known.at.elapsed() < FRESH) {
            return known.names.clone();
        }
        let listed = timeout(PATIENCE, listing(upstreams, Dialect::OpenAi)).await;
        let names = listed.ok().and_then(Result::ok).map(|all| all.into_iter().map(|one| one.name).collect());
        *known = Some(Remembered { at: Instant::now(), names: names.clone() });
        names
    }
}

/// The refusal of another method than `GET`.
pub(super) fn not_allowed(method: &Method) -> Option<Rejection> {
    let refused =
        Rejection::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", "this can only be asked: GET");
    (method != Method::GET).then(|| refused.with_header(ALLOW, HeaderValue::from_static("GET")))
}

/// What the caller's own credential says about them.
fn shown(identity: &Identity) -> Value {
    let own = |group: &&attach_core::identity::Group| group.directory == identity.directory;
    let groups: Vec<&str> = identity.groups.iter().filter(own).map(|group| &*group.name).collect();
    json!({
        "directory": &*identity.directory,
        "id": &*identity.id,
        "kind": identity.kind.as_str(),
        "name": identity.name.as_deref(),
        "email": identity.email.as_deref(),
        "groups": groups,
        "client_id": identity.client_id.as_deref(),
        "proof": identity.proof.as_str(),
        "key_id": identity.key_id.as_deref(),
        "expires_at": identity.expires_at.map(moment::shown),
    })
}
