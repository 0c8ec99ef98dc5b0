use std::sync::Arc;
use std::time::Duration;

use attach_core::identity::Limits;
use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};

use super::answer::{self, Answer, Problem, caller, read, typed};
use super::form;
use crate::endpoint::{Endpoint, status};
use crate::keys::services::{NewService, Owners, Services};

const PATH: &str = "/admin/v1/services";

/// Service identities, for administrators, at [`/admin/v1/services`](Self::PATH):
///
/// | request | does |
/// |---|---|
/// | `GET …` | lists them |
/// | `POST …` | creates one, and its first key |
/// | `GET …/export?format=jsonl` or `csv` | the inventory |
/// | `GET …/DIRECTORY/NAME` | one of them |
/// | `POST …/DIRECTORY/NAME/rotate` | makes it another key |
/// | `POST …/DIRECTORY/NAME/disable`, `enable` | stops it, lets it work again |
///
/// Whoever gets here is an administrator: who may is decided outside, where the caller is made known as well.
#[derive(Debug, Clone)]
pub struct AdminServices(Services);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct New {
    directory: Arc<str>,
    name: Box<str>,
    purpose: Box<str>,
    owning_group: Option<Box<str>>,
    #[serde(default)]
    owners: Vec<Arc<str>>,
    /// Seconds.
    expires_in: u64,
    #[serde(default)]
    groups: Vec<Box<str>>,
    #[serde(default)]
    scopes: Vec<Box<str>>,
    #[serde(default)]
    models: Vec<Box<str>>,
    #[serde(default)]
    apis: Vec<Box<str>>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Enable {
    expires_in: Option<u64>,
}

impl AdminServices {
    /// Where it answers.
    pub const PATH: &str = PATH;

    /// Over `services`.
    #[must_use]
    pub fn new(services: Services) -> Self {
        Self(services)
    }

    async fn answer(&self, request: Request<Bytes>) -> Result<Answer, Problem> {
        let actor = caller(&request)?;
        let path = request.uri().path().strip_prefix(PATH).unwrap_or_default().trim_start_matches('/');
        let segments: Option<Vec<String>> = path.split('/').map(form::segment).collect();
        let segments = segments.ok_or_else(Problem::not_found)?;
        let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
        match (request.method(), segments.as_slice()) {
            (&Method::GET, [""]) => Ok(self.list()),
            (&Method::POST, [""]) => self.create(&actor.id, &request).await,
            (&Method::GET, ["export"]) => self.export(request.uri().query().unwrap_or_default()),
            (&Method::GET, [directory, name]) => self.shown(StatusCode::OK, directory, name, None),
            (&Method::POST, [directory, name, verb]) => {
                self.act(&actor.id, (directory, name), verb, &request).await
            }
            (_, [""]) => Err(Problem::not_allowed("GET, POST")),
            (_, [_] | [_, _]) => Err(Problem::not_allowed("GET")),
            (_, [_, _, _]) => Err(Problem::not_allowed("POST")),
            _ => Err(Problem::not_found()),
        }
    }

    fn list(&self) -> Answer {
        let list: Vec<Value> = self.0.list().iter().map(|one| answer::service(one).into()).collect();
        answer::json(StatusCode::OK, &json!({ "services": list }))
    }

    fn export(&self, query: &str) -> Result<Answer, Problem> {
        match query {
            "" | "format=jsonl" => Ok(typed(StatusCode::OK, "application/jsonl", self.0.export_json_lines())),
            "format=csv" => Ok(typed(StatusCode::OK, "text/csv; charset=utf-8", self.0.export_csv())),
            _ => {
                let detail = "`format` is `jsonl` or `csv`";
                Err(Problem::bad_request(detail))
            }
        }
    }

    async fn create(&self, actor: &str, request: &Request<Bytes>) -> Result<Answer, Problem> {
        let body: New = read(request.headers(), request.body())?;
        let (directory, name) = (Arc::clone(&body.directory), body.name.clone());
        let new = new_service(body)?;
        self.0.create(actor, new).await?;
        let (_, secret) = self.0.rotate(actor, &directory, &name).await?;
        self.shown(StatusCode::CREATED, &directory, &name, Some(secret.reveal()))
    }

    async fn act(
        &self,
        actor: &str,
        (directory, name): (&str, &str),
        verb: &str,
        request: &Request<Bytes>,
    ) -> Result<Answer, Problem> {
        let done = match verb {
            "rotate" => {
                let (_, secret) = self.0.rotate(actor, directory, name).await?;
                return self.shown(StatusCode::CREATED, directory, name, Some(secret.reveal()));
            }
            "disable" => self.0.disable(actor, directory, name).await,
            "enable" => {
                let body = request.body();
                let body: Enable =
                    if body.is_empty() { Enable::default() } else { read(request.headers(), body)? };
                let lifetime = body.expires_in.map(Duration::from_secs);
                self.0.enable(actor, (directory, name), lifetime).await
            }
            _ => return Err(Problem::not_found()),
        };
        done?;
        Ok(status(StatusCode::NO_CONTENT))
    }

    fn shown(
        &self,
        status: StatusCode,
        directory: &str,
        name: &str,
        secret: Option<&str>,
    ) -> Result<Answer, Problem> {
        let service = self.0.get(directory, name).ok_or_else(Problem::not_found)?;
        let mut value = answer::service(&service);
        if let Some(secret) = secret {
            value.insert("secret".to_owned(), secret.into());
        }
        Ok(answer::json(status, &value.into()))
    }
}

fn new_service(body: New) -> Result<NewService, Problem> {
    let owners = match body.owning_group {
        Some(group) if body.owners.is_empty() => Owners::Group(group),
        None => Owners::People(body.owners),
        Some(_) => {
            let detail = "either `owning_group` or `owners`, not both";
            return Err(Problem::bad_request(detail));
        }
    };
    let lifetime = Duration::from_secs(body.expires_in);
    let new = NewService::new(&body.directory, &body.name, &body.purpose, owners, lifetime);
    Ok(new.groups(body.groups).scopes(body.scopes).limits(Limits::new(body.models, body.apis)))
}

impl Endpoint for AdminServices {
    fn owns(&self, path: &str) -> bool {
        path.strip_prefix(PATH).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }

    async fn handle(&self, request: Request<Bytes>) -> Response<Bytes> {
        self.answer(request).await.unwrap_or_else(Problem::into_answer)
    }
}
