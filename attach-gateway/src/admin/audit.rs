use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use attach_audit::index::{Index, Search};
use attach_audit::{Audit, Deed, Timestamp};
use attach_auth::endpoint::Endpoint;
use attach_core::Identity;
use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use serde_json::value::RawValue;
use tokio::sync::Semaphore;
use tokio_util::task::AbortOnDropHandle;

use super::answer::{Refused, json_text};
use super::query::Query;
use crate::moment;

/// Where it is.
pub(super) const PATH: &str = "/admin/v1/audit";

/// How often the index takes in what was written.
const EVERY: Duration = Duration::from_secs(5);
/// How long whoever asks waits for the index while it is built.
const PATIENCE: Duration = Duration::from_secs(5);
const PAGE: usize = 100;
const LONGEST_PAGE: usize = 1000;
/// What is asked for is on record, and a record is not to be as long as anybody likes.
const LONGEST_QUERY: usize = 2048;

const FILTERS: [&str; 15] = [
    "user",
    "directory",
    "group",
    "client",
    "model",
    "upstream",
    "decision",
    "reason",
    "kind",
    "request",
    "trace",
    "since",
    "until",
    "limit",
    "cursor",
];

/// `GET` finds records of this node's log; that somebody did is on record first.
#[derive(Debug)]
pub(crate) struct AuditAdmin {
    audit: Audit,
    place: Arc<Place>,
    _updates: AbortOnDropHandle<()>,
}

/// Where the log is, and its index.
#[derive(Debug)]
struct Place {
    log: PathBuf,
    file: PathBuf,
    /// Threads that wait for the index are few.
    one: Arc<Semaphore>,
}

/// What is found, newest first, and where it goes on.
#[derive(serde::Serialize)]
struct Page {
    records: Vec<Box<RawValue>>,
    next: Option<String>,
}

impl AuditAdmin {
    /// Begins to index the log in `log`.
    pub(crate) fn start(audit: Audit, log: &Path, file: PathBuf) -> Self {
        let place = Arc::new(Place { log: log.to_owned(), file, one: Arc::new(Semaphore::new(1)) });
        let updates = AbortOnDropHandle::new(tokio::spawn(update(Arc::clone(&place))));
        Self { audit, place, _updates: updates }
    }

    async fn answer(&self, request: &Request<Bytes>) -> Result<Response<Bytes>, Refused> {
        if *request.method() != Method::GET {
            return Err(Refused::new(StatusCode::METHOD_NOT_ALLOWED, "GET reads"));
        }
        let asked = request.uri().query().unwrap_or_default();
        let search = search(&Query::of(request.uri()), asked)?;
        let actor = request.extensions().get::<Arc<Identity>>().cloned();
        let actor =
            actor.ok_or_else(|| Refused::new(StatusCode::INTERNAL_SERVER_ERROR, "no administrator"))?;
        let deed = Deed::admin("audit.read", &*actor.id).detail("filter", asked);
        let recorded = self.audit.record(&deed).await;
        recorded.map_err(|why| Refused::new(StatusCode::SERVICE_UNAVAILABLE, &why.to_string()))?;
        let page = tokio::time::timeout(PATIENCE, self.place.with(move |index| find(index, search)));
        let page = page
            .await
            .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
            .map_err(|error| refused(&error))?;
        Ok(json_text(StatusCode::OK, serde_json::to_vec(&page).map_err(|error| refused(&error.into()))?))
    }
}

impl Endpoint for AuditAdmin {
    fn owns(&self, path: &str) -> bool {
        path == PATH
    }

    async fn handle(&self, request: Request<Bytes>) -> Response<Bytes> {
        self.answer(&request).await.unwrap_or_else(Refused::into_answer)
    }
}

impl Place {
    /// Works on the index, brought up to date, off the runtime's threads.
    async fn with<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&mut Index) -> io::Result<T> + Send + 'static,
    ) -> io::Result<T> {
        let place = Arc::clone(self);
        let permit = Arc::clone(&self.one).acquire_owned().await.map_err(io::Error::other)?;
        let work = move || {
            let _permit = permit;
            let mut index = Index::open(&place.file)?;
            index.update([&place.log])?;
            work(&mut index)
        };
        tokio::task::spawn_blocking(work).await.map_err(io::Error::other)?
    }
}

/// So that nobody has to wait for more than what was written in the last seconds.
async fn update(place: Arc<Place>) {
    loop {
        if let Err(error) = place.with(|_| Ok(())).await {
            tracing::error!(%error, "the index of the audit log cannot be brought up to date");
        }
        tokio::time::sleep(EVERY).await;
    }
}

fn refused(error: &io::Error) -> Refused {
    match error.kind() {
        io::ErrorKind::InvalidInput => Refused::bad_request(&error.to_string()),
        io::ErrorKind::TimedOut => {
            Refused::new(StatusCode::SERVICE_UNAVAILABLE, "the index is being built; try again")
        }
        _ => {
            tracing::error!(%error, "the index of the audit log does not answer");
            Refused::new(StatusCode::SERVICE_UNAVAILABLE, "the index does not answer; see the gateway's log")
        }
    }
}

fn search(query: &Query, asked: &str) -> Result<Search, Refused> {
    query.knows(&FILTERS)?;
    if asked.len() > LONGEST_QUERY {
        return Err(Refused::bad_request("that is too long"));
    }
    let text = |name| query.one(name).map(|value| value.map(str::to_owned));
    let time = |name| {
        let time = |value: &str| {
            let time = moment::parse_before(value, SystemTime::now());
            time.map(|time| Timestamp::from(time).to_string())
                .ok_or_else(|| Refused::bad_request(&format!("`{name}` is no time like 2026-11-01 or 7d")))
        };
        query.one(name)?.map(time).transpose()
    };
    let mut search = Search::default();
    (search.user, search.directory, search.group) = (text("user")?, text("directory")?, text("group")?);
    (search.client, search.upstream) = (text("client")?, text("upstream")?);
    let glob = query.one("model")?.map(str::parse).transpose();
    search.model = glob.map_err(|_| Refused::bad_request("`model` is no name of a model"))?;
    (search.decision, search.reason) = (text("decision")?, text("reason")?);
    (search.kind, search.request, search.trace) = (text("kind")?, text("request")?, text("trace")?);
    (search.since, search.until, search.before) = (time("since")?, time("until")?, text("cursor")?);
    search.limit = Some(limit(query.one("limit")?)?);
    search.ended = true;
    Ok(search)
}

fn limit(text: Option<&str>) -> Result<usize, Refused> {
    let limit = text.map_or(Some(PAGE), |text| text.parse().ok());
    limit
        .filter(|limit| (1..=LONGEST_PAGE).contains(limit))
        .ok_or_else(|| Refused::bad_request(&format!("`limit` is a number from 1 to {LONGEST_PAGE}")))
}

fn find(index: &mut Index, mut search: Search) -> io::Result<Page> {
    let limit = search.limit.unwrap_or(PAGE);
    // One more says whether there is more.
    search.limit = Some(limit + 1);
    let mut found: Vec<(String, Vec<Box<RawValue>>)> = Vec::new();
    index.find(&search, |one| {
        let lines = [Some(one.line), one.intent];
        let lines: Result<_, _> = lines.into_iter().flatten().map(serde_json::from_slice).collect();
        found.push((one.cursor.to_owned(), lines?));
        Ok(())
    })?;
    found.reverse();
    let more = found.len() > limit;
    found.truncate(limit);
    let next = found.last().filter(|_| more).map(|(cursor, _)| cursor.clone());
    Ok(Page { records: found.into_iter().flat_map(|(_, lines)| lines).collect(), next })
}
