use std::sync::Arc;

use attach_auth::endpoint::Endpoint;
use attach_auth::revocation::Subject;
use attach_auth::state::{Change, CommitError, State, Table};
use attach_auth::{Event, Witness};
use attach_core::Identity;
use attach_core::identity::{Group, Kind};
use attach_quota::{Allowance, Scope};
use bytes::Bytes;
use http::header::{HeaderValue, LOCATION};
use http::{Method, Request, Response, StatusCode};
use serde_json::{Value, json};

use super::answer::{Refused, json_answer};
use super::query::Query;
use super::revocations::target;
use crate::callers::Granted;
use crate::quotas::{Order, Quotas, Stored, StoredWhom, limit};
use crate::rights::Rights;

/// Where it is.
pub(super) const PATH: &str = "/admin/v1/quotas";

const RECOUNT: &str = "/admin/v1/quotas/recount";

const OVERRIDES: &str = "/admin/v1/quotas/overrides";

/// How somebody stands, and the exceptions from limits: `GET` asks, `POST` makes one, `DELETE` takes it back.
#[derive(Debug)]
pub(super) struct QuotasAdmin {
    quotas: Quotas,
    state: State,
    granted: Granted,
    directories: Vec<Arc<str>>,
    witness: Arc<dyn Witness>,
}

type Answer = Result<Response<Bytes>, Refused>;

impl QuotasAdmin {
    pub(super) fn new(rights: &Rights, directories: Vec<Arc<str>>, witness: Arc<dyn Witness>) -> Self {
        Self {
            quotas: rights.quotas.clone(),
            state: rights.state.clone(),
            granted: rights.granted.clone(),
            directories,
            witness,
        }
    }

    async fn answer(&self, request: &Request<Bytes>) -> Answer {
        let path = request.uri().path();
        let id = path.strip_prefix(OVERRIDES).map(|rest| rest.strip_prefix('/').unwrap_or(rest));
        match (request.method(), id) {
            (&Method::GET, None) if path == PATH => self.standing(&Query::of(request.uri())).await,
            (&Method::GET, Some("")) => self.list(&Query::of(request.uri())),
            (&Method::POST, Some("")) => self.create(request).await,
            (&Method::POST, None) if path == RECOUNT => {
                let actor = actor(request)?;
                super::recount::recount(&self.quotas, &self.witness, &actor, request.body()).await
            }
            (&Method::DELETE, Some(id)) if !id.is_empty() => self.delete(request, id).await,
            (_, None) if path == RECOUNT => {
                Err(Refused::new(StatusCode::METHOD_NOT_ALLOWED, "POST puts back what a log has"))
            }
            (_, None) if path != PATH => Err(Refused::new(StatusCode::NOT_FOUND, "there is nothing here")),
            _ => Err(Refused::new(
                StatusCode::METHOD_NOT_ALLOWED,
                "GET asks; POST makes an override, DELETE of its id takes it back",
            )),
        }
    }

    /// How somebody stands, of whom no more is known than what was asked and what their directory provisioned.
    async fn standing(&self, query: &Query) -> Answer {
        query.knows(&["directory", "user", "group", "client", "kind"])?;
        let directory =
            query.one("directory")?.ok_or_else(|| Refused::bad_request("say whose: ?directory=…&user=…"))?;
        let user =
            query.one("user")?.ok_or_else(|| Refused::bad_request("say whose: ?directory=…&user=…"))?;
        let directory = self.directories.iter().find(|known| ***known == *directory);
        let directory = directory.ok_or_else(|| Refused::bad_request("there is no such directory"))?;
        let mut identity = Identity::person(Arc::clone(directory), user);
        match query.one("kind")? {
            None | Some("person") => {}
            Some("service") => identity.kind = Kind::Service,
            Some(_) => return Err(Refused::bad_request("`kind` is person or service")),
        }
        identity.client_id = query.one("client")?.map(Arc::from);
        identity.groups.extend(query.all("group").map(|name| Group::new(Arc::clone(directory), name)));
        identity.groups.extend(self.granted.groups(&identity));
        let identity = Arc::new(identity);
        let all = self.quotas.layer().standings(&identity).await;
        let limits: Vec<Value> = all.into_iter().map(|one| limit(&certain(one, &identity))).collect();
        let groups: Vec<&str> = identity.groups.iter().map(|group| &*group.name).collect();
        let body = json!({"directory": &**directory, "user": user, "groups": groups, "limits": limits});
        Ok(json_answer(StatusCode::OK, &body))
    }

    fn list(&self, query: &Query) -> Answer {
        query.knows(&["directory", "user", "group", "limit"])?;
        let rows = self.state.scan(Table::QUOTAS, "");
        let mut found = Vec::new();
        for one in rows.iter().filter_map(Stored::of_row) {
            let (user, group) = match &one.whom {
                StoredWhom::User(id) => (Some(&**id), None),
                StoredWhom::Group(name) => (None, Some(&**name)),
            };
            let is = [
                ("directory", Some(&*one.directory)),
                ("user", user),
                ("group", group),
                ("limit", Some(&*one.limit)),
            ];
            let mut wanted = true;
            for (name, value) in is {
                wanted &= query.one(name)?.is_none_or(|wanted| value == Some(wanted));
            }
            if wanted {
                found.push(one.show(self.quotas.fits(&one)));
            }
        }
        Ok(json_answer(StatusCode::OK, &json!({"overrides": found})))
    }

    async fn create(&self, request: &Request<Bytes>) -> Answer {
        let actor = actor(request)?;
        let order: Order = serde_json::from_slice(request.body())
            .map_err(|error| Refused::bad_request(&format!("the body makes no sense: {error}")))?;
        let stored = order
            .checked(&self.quotas, &self.directories, &actor)
            .map_err(|why| Refused::bad_request(&why))?;
        let row = stored.to_row().map_err(|error| Refused::bad_request(&error.to_string()))?;
        self.record("quota.override.create", &actor, &stored).await?;
        self.commit(Change::insert(row)).await?;
        let mut answer = json_answer(StatusCode::CREATED, &stored.show(true));
        if let Ok(location) = HeaderValue::try_from(format!("{OVERRIDES}/{}", stored.id)) {
            answer.headers_mut().insert(LOCATION, location);
        }
        Ok(answer)
    }

    async fn delete(&self, request: &Request<Bytes>, id: &str) -> Answer {
        let actor = actor(request)?;
        let row = self.state.get(Table::QUOTAS, id);
        let row = row.ok_or_else(|| Refused::new(StatusCode::NOT_FOUND, "there is no such override"))?;
        match Stored::of_row(&row) {
            Some(stored) => self.record("quota.override.delete", &actor, &stored).await?,
            None => self.witness(Event::new("quota.override.delete", &*actor.id).detail("id", id)).await?,
        }
        self.commit(Change::remove(Table::QUOTAS, id)).await?;
        let mut answer = Response::new(Bytes::new());
        *answer.status_mut() = StatusCode::NO_CONTENT;
        Ok(answer)
    }

    async fn record(&self, action: &'static str, actor: &Identity, stored: &Stored) -> Result<(), Refused> {
        let whom = match &stored.whom {
            StoredWhom::User(id) => target(&Subject::User(Arc::clone(id))),
            StoredWhom::Group(name) => format!("group:{name}"),
        };
        let event = Event::new(action, &*actor.id)
            .directory(Arc::clone(&stored.directory))
            .target(whom)
            .detail("id", &*stored.id)
            .detail("limit", &*stored.limit)
            .detail("grant", stored.granted())
            .detail("until", stored.until().unwrap_or_else(|| "removed".into()))
            .detail("reason", stored.reason().unwrap_or_default())
            .detail("actor_directory", &*actor.directory);
        self.witness(event).await
    }

    async fn witness(&self, event: Event) -> Result<(), Refused> {
        self.witness.witness(event).await.map_err(|_| unavailable())
    }

    async fn commit(&self, change: Change) -> Result<(), Refused> {
        self.state.commit(vec![change]).await.map_err(|error: CommitError| {
            tracing::error!(%error, "an administrator's order was not carried out");
            unavailable()
        })
    }
}

/// Without what is left where it depends on what only the caller can show: a claim, a key.
fn certain(one: Allowance, identity: &Identity) -> Allowance {
    match one.limit().scope() {
        Scope::Claim(_) | Scope::Key => one.unknown(),
        Scope::Client if identity.client_id.is_none() => one.unknown(),
        _ => one,
    }
}

fn actor(request: &Request<Bytes>) -> Result<Arc<Identity>, Refused> {
    let actor = request.extensions().get::<Arc<Identity>>().cloned();
    actor.ok_or_else(|| Refused::new(StatusCode::INTERNAL_SERVER_ERROR, "no administrator"))
}

fn unavailable() -> Refused {
    let why = "it could not be recorded, so it was not done; try again";
    Refused::new(StatusCode::SERVICE_UNAVAILABLE, why)
}

impl Endpoint for QuotasAdmin {
    fn owns(&self, path: &str) -> bool {
        path.strip_prefix(PATH).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }

    async fn handle(&self, request: Request<Bytes>) -> Response<Bytes> {
        self.answer(&request).await.unwrap_or_else(Refused::into_answer)
    }
}
