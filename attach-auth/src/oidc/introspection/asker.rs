//! The question itself (RFC 7662 §2.1), and where it goes.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use attach_core::json::{Document, Kind};
use bytes::Bytes;
use http::{HeaderValue, Request, Response, StatusCode, header};
use tokio::sync::Mutex;

use super::super::source::{MAX_DOCUMENT, Problem, Source};
use super::client::{Introspection, form_value};

/// The least time between two attempts to find the endpoint.
const PAUSE: Duration = Duration::from_secs(10);

/// Asks one provider.
pub(super) struct Asker {
    source: Source,
    authorization: Option<HeaderValue>,
    configured: bool,
    /// Whether the endpoint is known.
    ready: AtomicBool,
    located: Mutex<Located>,
}

#[derive(Default)]
struct Located {
    endpoint: Option<Box<str>>,
    /// Why it could not be found, and from when on it is looked for again.
    problem: Option<(Problem, Duration)>,
}

impl Asker {
    pub(super) fn new(source: Source, introspection: &Introspection) -> Self {
        let endpoint = introspection.endpoint.clone();
        Self {
            source,
            authorization: introspection.authorization(),
            configured: endpoint.is_some(),
            ready: AtomicBool::new(endpoint.is_some()),
            located: Mutex::new(Located { endpoint, problem: None }),
        }
    }

    /// Whether there is somewhere to ask.
    pub(super) fn is_ready(&self) -> bool {
        self.ready.load(Ordering::Acquire)
    }

    /// Finds out where to ask, if that is not known. One looks; the others wait for him.
    pub(super) async fn endpoint(&self, now: Duration) -> Result<Box<str>, Problem> {
        let mut located = self.located.lock().await;
        if let Some(endpoint) = &located.endpoint {
            return Ok(endpoint.clone());
        }
        if let Some((problem, until)) = &located.problem
            && now < *until
        {
            return Err(problem.clone());
        }
        match self.source.introspection().await {
            Ok(endpoint) => {
                *located = Located { endpoint: Some(endpoint.clone()), problem: None };
                self.ready.store(true, Ordering::Release);
                Ok(endpoint)
            }
            Err(problem) => {
                located.problem = Some((problem.clone(), now + PAUSE));
                Err(problem)
            }
        }
    }

    /// What the provider says of `token`: a JSON object that every parser reads alike.
    pub(super) async fn ask(&self, token: &str, now: Duration) -> Result<Document, Problem> {
        let endpoint = self.endpoint(now).await?;
        let request = self.request(&endpoint, token)?;
        let failed = |why: &dyn fmt::Display| Problem::Unreachable(format!("{endpoint}: {why}"));
        let response = self.source.fetch.fetch(request).await.map_err(|error| failed(&error))?;
        match response.status() {
            StatusCode::OK => read(&response).ok_or_else(|| failed(&"answered something else than JSON")),
            StatusCode::UNAUTHORIZED => {
                Err(Problem::Refused(format!("{endpoint} does not accept our client id and secret")))
            }
            status => {
                if status == StatusCode::NOT_FOUND && !self.configured {
                    // A provider that moved it says so in its discovery document.
                    self.located.lock().await.endpoint = None;
                }
                Err(failed(&format_args!("answered {status}")))
            }
        }
    }

    fn request(&self, endpoint: &str, token: &str) -> Result<Request<Bytes>, Problem> {
        let form = format!("token={}&token_type_hint=access_token", form_value(token));
        let mut request = Request::post(endpoint)
            .header(header::ACCEPT, "application/json")
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        if let Some(authorization) = &self.authorization {
            request = request.header(header::AUTHORIZATION, authorization);
        }
        request.body(form.into()).map_err(|_| Problem::Refused(format!("`{endpoint}` is not a URL")))
    }
}

fn read(response: &Response<Bytes>) -> Option<Document> {
    let body = response.body();
    let document = (body.len() <= MAX_DOCUMENT).then(|| Document::parse(body.clone()).ok()).flatten()?;
    (document.root().kind() == Kind::Object).then_some(document)
}

impl fmt::Debug for Asker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Asker").field("source", &self.source).finish_non_exhaustive()
    }
}
