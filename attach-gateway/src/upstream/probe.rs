//! Asks upstreams, between calls, whether they do their work.
//!
//! A probe is no call: it is in no record, counts for no limit and no breaker, and tells nothing of any caller. It goes
//! the way calls go, over the same connections.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use attach_core::Dialect;
use attach_core::fetch::error_chain;
use bytes::Bytes;
use http::header::{ACCEPT, HeaderName, HeaderValue, USER_AGENT};
use http::{Request, StatusCode, Uri};
use http_body_util::{BodyExt, Full, Limited};
use tokio::runtime::Handle;
use tokio_util::task::AbortOnDropHandle;

use super::place::{Place, Upstreams};
use super::{dispatch, paths};
use crate::config::{Kind, Probe};

/// So much of an answer is read, so that its connection can be used again.
const MOST: usize = 64 << 10;

/// The first probe comes within this, so that much is known soon.
const FIRST: Duration = Duration::from_secs(5);

/// The probes of a configuration's upstreams. Each ends when the last configuration that has its upstream does.
#[derive(Default)]
pub(crate) struct Probing(Vec<(Arc<Place>, Arc<AbortOnDropHandle<()>>)>);

/// What probes say of one upstream.
pub(crate) struct ProbeStatus {
    pub(crate) upstream: Arc<str>,
    pub(crate) healthy: bool,
    /// How many went well, and how many failed.
    pub(crate) counts: [u64; 2],
}

impl Probing {
    /// Probes those of `upstreams` that are to be, if there is a runtime. Those that `before` probes already go on as they
    /// do.
    pub(crate) fn start(upstreams: &Upstreams, before: Option<&Self>) -> Self {
        let Ok(runtime) = Handle::try_current() else { return Self::default() };
        let running = |place: &Arc<Place>| {
            let same = before?.0.iter().find(|(known, _)| Arc::ptr_eq(known, place))?;
            Some(Arc::clone(&same.1))
        };
        let probed = upstreams.places().iter().filter_map(|place| {
            let probe = place.upstream.probe.clone()?;
            let start = || Arc::new(AbortOnDropHandle::new(runtime.spawn(run(Arc::clone(place), probe))));
            Some((Arc::clone(place), running(place).unwrap_or_else(start)))
        });
        Self(probed.collect())
    }

    /// What is known of each that is probed.
    pub(crate) fn status(&self) -> Vec<ProbeStatus> {
        let status = |(place, _): &(Arc<Place>, _)| ProbeStatus {
            upstream: Arc::clone(&place.upstream.name),
            healthy: !place.health.probed.is_down(),
            counts: place.health.probed.counts(),
        };
        self.0.iter().map(status).collect()
    }
}

/// One probe after the other, for ever.
async fn run(place: Arc<Place>, probe: Probe) {
    let upstream = &*place.upstream.name;
    let mut odd = None;
    // Nodes that start together do not ask together, nor ever after.
    let mut wait = probe.every.min(FIRST).mul_f64(random());
    loop {
        tokio::time::sleep(wait).await;
        let answer = tokio::time::timeout(probe.timeout, ask(&place, &probe)).await;
        let answer = answer.unwrap_or_else(|_| Err("no answer in time".into()));
        let failed = match &answer {
            Err(why) => Some(why.to_string()),
            Ok(status) if status.is_server_error() => Some(status.to_string()),
            Ok(_) => None,
        };
        match place.health.probed.note(failed.is_none(), &probe) {
            Some(true) => {
                let why = failed.unwrap_or_default();
                tracing::warn!(upstream, probe = "failed", %why, "the upstream is called only where there is no other");
            }
            Some(false) => tracing::info!(upstream, probe = "well", "the upstream is called as before"),
            None => {}
        }
        let now = answer.ok().filter(|status| !status.is_success() && !status.is_server_error());
        if let Some(status) = now.filter(|_| now != odd) {
            tracing::warn!(upstream, %status, "the probe was refused; all it says is that somebody answers");
        }
        odd = now;
        wait = probe.every.mul_f64(0.9 + random() / 5.0);
    }
}

/// The status of the answer, or why there was none.
async fn ask(place: &Place, probe: &Probe) -> Result<StatusCode, Box<str>> {
    let dialect = place.upstream.dialects.first().copied().unwrap_or(Dialect::OpenAi);
    let mut request = Request::new(Bytes::new());
    *request.uri_mut() = uri(place, probe, dialect)?;
    let headers = request.headers_mut();
    headers.insert(ACCEPT, HeaderValue::from_static("*/*"));
    headers
        .insert(USER_AGENT, HeaderValue::from_static(concat!("attach-gateway/", env!("CARGO_PKG_VERSION"))));
    if dialect == Dialect::Anthropic {
        let version = HeaderName::from_static("anthropic-version");
        headers.insert(version, HeaderValue::from_static("2023-06-01"));
    }
    let answer = if probe.credential {
        place.ask(request, dialect).await.map_err(|error| error_chain(&error))?
    } else {
        place.pool.request(request.map(Full::new)).await.map_err(|error| error_chain(&error))?
    };
    let status = answer.status();
    let _ = Limited::new(answer.into_body(), MOST).collect().await;
    Ok(status)
}

/// Where it is: the path that is configured, or what its kind has (Ollama's `GET /api/version`, OpenAI's list of models).
fn uri(place: &Place, probe: &Probe, dialect: Dialect) -> Result<Uri, Box<str>> {
    let upstream = &place.upstream;
    let path = match &probe.path {
        Some(path) => path.as_str().to_owned(),
        None if upstream.kind == Kind::Ollama => "/api/version".to_owned(),
        None => paths::list(upstream, dialect),
    };
    dispatch::uri(&upstream.url, &path).map_err(|error| error.to_string().into())
}

/// From 0 up to 1.
fn random() -> f64 {
    let mut bytes = [0; 2];
    let filled = aws_lc_rs::rand::fill(&mut bytes);
    filled.map_or(0.5, |()| f64::from(u16::from_be_bytes(bytes)) / 65_536.0)
}

impl fmt::Debug for Probing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(place, _)| &place.upstream.name)).finish()
    }
}
